/** Lists of the Kubernetes API as they are on the wire: no time is rounded and no field lost. */
import type { KubeConfig } from '@kubernetes/client-node';
import { field, isJson, listField, textField } from '../cloudevent/json.ts';
import { messageOf } from './documents.ts';

const pageSize = '500';
const pagesMost = 10_000;
/** So often a list whose pages have expired is begun anew. */
const listsMost = 3;

export type Listed =
  | { readonly ok: true; readonly items: readonly unknown[]; readonly version: string }
  | { readonly ok: false; readonly reason: string };

/** All pages of a list. */
export async function list(config: KubeConfig, path: string): Promise<Listed> {
  const server = config.getCurrentCluster()?.server ?? '';
  let items: unknown[] = [];
  let next = '';
  let begun = 1;
  for (let page = 0; page < pagesMost; page += 1) {
    const url = new URL(server.replace(/\/$/, '') + path);
    url.searchParams.set('limit', pageSize);
    if (next !== '') url.searchParams.set('continue', next);
    const answer = await get(config, url);
    if (!answer.ok && answer.status === 410 && next !== '' && begun < listsMost) {
      begun += 1;
      items = [];
      next = '';
      continue;
    }
    if (!answer.ok) return answer;
    const kind = textField(answer.body, 'kind').replace(/List$/, '');
    const apiVersion = textField(answer.body, 'apiVersion');
    for (const item of listField(answer.body, 'items', Number(pageSize) * 2))
      items.push(isJson(item) ? { kind, apiVersion, ...item } : item);
    const metadata = field(answer.body, 'metadata');
    next = textField(metadata, 'continue', 16_384);
    if (next === '') return { ok: true, items, version: textField(metadata, 'resourceVersion') };
  }
  return { ok: false, reason: `more than ${pagesMost} pages` };
}

type Answer = { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly reason: string; readonly status?: number };

async function get(config: KubeConfig, url: URL): Promise<Answer> {
  const { request } = await import(url.protocol === 'https:' ? 'node:https' : 'node:http');
  const options = {};
  await config.applyToHTTPSOptions(options);
  return new Promise((resolve) => {
    const outgoing = request(
      url,
      { ...options, headers: { accept: 'application/json' } },
      (response: import('node:http').IncomingMessage) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          if (status !== 200) return resolve({ ok: false, status, reason: `the API server answered ${status}` });
          try {
            resolve({ ok: true, body: JSON.parse(text) });
          } catch (error) {
            resolve({ ok: false, reason: `the answer is not JSON: ${messageOf(error)}` });
          }
        });
      },
    );
    outgoing.on('error', (error: Error) => resolve({ ok: false, reason: error.message }));
    outgoing.end();
  });
}
