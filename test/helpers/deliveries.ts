/** The recorded deliveries of a real Broker, see `test/events/deliveries/SOURCE.md`. */
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { field, listField, textField } from '../../shared/events/json.ts';

export interface Delivery {
  /** Name, value, name, value, ... as they stood on the wire. */
  readonly rawHeaders: readonly string[];
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders & Readonly<Record<string, string>>;
  readonly body: string;
}

const folder = new URL('../events/deliveries/', import.meta.url);

export function readDeliveries(): readonly Delivery[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  const lines = files.flatMap((name) => readFileSync(new URL(name, folder), 'utf8').split('\n'));
  return lines.filter((line) => line !== '').map((line) => deliveryOf(JSON.parse(line)));
}

function deliveryOf(line: unknown): Delivery {
  const rawHeaders = listField(line, 'headers', 1_000).map(String);
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  const headers = Object.fromEntries(names.map((name, index) => [name.toLowerCase(), rawHeaders[index * 2 + 1] ?? '']));
  return { rawHeaders, headers, body: typeof field(line, 'body') === 'string' ? textField(line, 'body', 10_000_000) : '' };
}
