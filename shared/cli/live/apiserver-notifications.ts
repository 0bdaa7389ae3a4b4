/** Sends notifications in the form of an ApiServerSource, with retries. */

import { randomUUID } from 'node:crypto';
import { field, textField } from '../../events/json.ts';
import { Semaphore } from '../../process/semaphore.ts';

export interface Notification {
  readonly change: 'add' | 'update' | 'delete';
  /** When it was seen, ms; null if unknown. */
  readonly at: number | null;
  readonly object: unknown;
  /** Its cluster, if the source names it. */
  readonly cluster?: string;
}

const source = 'https://kubernetes';
const triesMost = 8;
const pauseMs = 250;

/** Rejects if it is refused, or still not accepted after several tries. */
export async function sendNotification(url: string, { change, at, object, cluster = '' }: Notification): Promise<void> {
  const metadata = field(object, 'metadata');
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'ce-specversion': '1.0',
    'ce-id': randomUUID(),
    'ce-source': source,
    'ce-type': `dev.knative.apiserver.resource.${change}`,
    'ce-kind': ascii(textField(object, 'kind')),
    'ce-apiversion': ascii(textField(object, 'apiVersion')),
    'ce-name': ascii(textField(metadata, 'name')),
    'ce-namespace': ascii(textField(metadata, 'namespace')),
    'ce-cluster': cluster,
    ...(at === null ? {} : { 'ce-time': new Date(at).toISOString() }),
  };
  for (const name of Object.keys(headers)) if (headers[name] === '') delete headers[name];
  const body = JSON.stringify(object);
  for (let tries = 1; ; tries += 1) {
    const response = await fetch(url, { method: 'POST', headers, body });
    const reason = await response.text();
    if (response.ok) return;
    const again = response.status === 429 || response.status >= 500;
    if (!again || tries >= triesMost) throw new Error(`Cannot send ${headers['ce-name']}: answered ${response.status} ${reason}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs * 2 ** tries));
  }
}

/** Attributes are sent as headers: non-ASCII values are left to the data. */
function ascii(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text.trim() : '';
}

/** Sends a list with limited concurrency. */
export async function sendAll(url: string, notices: readonly Notification[], atOnce: number): Promise<void> {
  const limit = new Semaphore(atOnce);
  await Promise.all(notices.map((notice) => limit.run(() => sendNotification(url, notice))));
}
