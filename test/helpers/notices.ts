/** Notifications of a capture in the form of an ApiServerSource: binary CloudEvents with random ids, and ways to deliver them badly. */
import { readFileSync } from 'node:fs';
import { field, textField } from '../../shared/events/json.ts';
import { folderOf } from './trace.ts';

export interface Notice {
  readonly type: string;
  /** When it was seen, ms. */
  readonly at: number;
  readonly object: unknown;
}

const types: Readonly<Record<string, string>> = { ADDED: 'add', MODIFIED: 'update', DELETED: 'delete' };

export function noticesOf(capture: string, file = 'watch.jsonl'): Notice[] {
  const lines = readFileSync(`${folderOf(capture)}${file}`, 'utf8').split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line): unknown => JSON.parse(line))
    .map((line) => ({
      type: `dev.knative.apiserver.resource.${types[textField(line, 'type')] ?? 'add'}`,
      at: Date.parse(textField(line, 'receivedAt')),
      object: field(line, 'object'),
    }));
}

export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const copy = [...list];
  for (let last = copy.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [copy[last], copy[other]];
    if (a === undefined || b === undefined) continue;
    copy[last] = b;
    copy[other] = a;
  }
  return copy;
}

/** Each 1 to 3 times. */
export function repeated<T>(list: readonly T[], random: () => number): T[] {
  return list.flatMap((one) => Array.from({ length: 1 + Math.floor(random() * 3) }, () => one));
}

let sent = 0;

export async function post(url: string, { type, at, object }: Notice): Promise<number> {
  sent += 1;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': `random-${sent}-${process.pid}`,
      'ce-source': 'https://10.96.0.1:443',
      'ce-type': type,
      'ce-time': new Date(at).toISOString(),
      'ce-kind': textField(object, 'kind'),
    },
    body: JSON.stringify(object),
  });
  await response.arrayBuffer();
  return response.status;
}

export async function tick(url: string): Promise<number> {
  return post(url, { type: 'dev.knative.sources.ping', at: 0, object: {} });
}
