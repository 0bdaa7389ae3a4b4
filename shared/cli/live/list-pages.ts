/** A whole list of the Kubernetes API, all its pages. */
import type { KubeConfig } from '@kubernetes/client-node';
import { createApiServer, pagesOf } from '../../kubernetes/api-server.ts';

export type Listed =
  | { readonly ok: true; readonly items: readonly unknown[]; readonly version: string }
  | { readonly ok: false; readonly reason: string };

export async function list(config: KubeConfig, path: string): Promise<Listed> {
  const api = createApiServer(async () => config);
  let items: unknown[] = [];
  let version = '';
  try {
    for await (const page of pagesOf(api, path)) {
      if (page.kind === 'failed') return { ok: false, reason: page.reason };
      if (page.kind === 'again') items = [];
      else {
        for (const item of page.items) items.push(item);
        version = page.version;
      }
    }
  } finally {
    api.close();
  }
  return { ok: true, items, version };
}
