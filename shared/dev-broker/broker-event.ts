/**
 * A CloudEvent inside the broker: attributes as text, data as opaque bytes. Unlike the parser of the functions in events/cloudevents.ts it
 * accepts what Knative's ingress accepts: any data, and specversion 0.3, which it does not upgrade.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { contentMode, parseJson } from '../events/cloudevents.ts';
import { isJson, type Json, type Result } from '../events/json.ts';
import { parseTimestamp } from '../events/time.ts';

export interface BrokerEvent {
  /** By name, including `datacontenttype`. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly data: Buffer;
}

export interface Wire {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const required = ['id', 'source', 'specversion', 'type'];
const nothing = Buffer.alloc(0);

class Refusal extends Error {}

/** One event in binary or structured mode; batches are refused, as by Knative's ingress. */
export function readEvent(headers: IncomingHttpHeaders, body: Buffer): Result<BrokerEvent> {
  const mode = contentMode(headers);
  if (mode === 'batch') return { ok: false, reason: 'Cannot take a batch: wanted one CloudEvent' };
  if (mode === null)
    return { ok: false, reason: 'Cannot read CloudEvent: wanted ce- headers or the content type application/cloudevents+json' };
  try {
    const event = mode === 'binary' ? { attributes: fromHeaders(headers), data: body } : fromStructured(parseJson(body));
    check(event.attributes);
    return { ok: true, value: event };
  } catch (error) {
    // Only refusals, here and in parseJson, are thrown.
    return { ok: false, reason: error instanceof Error ? error.message : 'Cannot read CloudEvent' };
  }
}

export function withAttributes(event: BrokerEvent, more: Readonly<Record<string, string>>): BrokerEvent {
  return { attributes: new Map([...event.attributes, ...Object.entries(more)]), data: event.data };
}

export function withoutAttribute(event: BrokerEvent, name: string): BrokerEvent {
  const attributes = new Map(event.attributes);
  attributes.delete(name);
  return { attributes, data: event.data };
}

/** Values go out as UTF-8 bytes without percent-encoding, as Knative's SDK sends them. */
export function toBinary(event: BrokerEvent): Wire {
  const headers: Record<string, string> = {};
  for (const [name, value] of event.attributes) headers[name === 'datacontenttype' ? 'content-type' : `ce-${name}`] = bytesOf(value);
  return { headers, body: event.data };
}

export function toStructured(event: BrokerEvent): Wire {
  const type = event.attributes.get('datacontenttype') ?? 'application/json';
  const body = JSON.stringify({
    ...Object.fromEntries(event.attributes),
    ...dataFields(event.data, /^(application|text)\/([^;]*\+)?json\b/i.test(type)),
  });
  return { headers: { 'content-type': 'application/cloudevents+json' }, body: Buffer.from(body) };
}

function dataFields(data: Buffer, isJsonType: boolean): Record<string, unknown> {
  if (data.length === 0) return {};
  if (!isUtf8(data)) return { data_base64: data.toString('base64') };
  if (!isJsonType) return { data: data.toString() };
  try {
    return { data: JSON.parse(data.toString()) };
  } catch {
    return { data_base64: data.toString('base64') };
  }
}

function fromHeaders(headers: IncomingHttpHeaders): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [header, value] of Object.entries(headers)) {
    if (header.startsWith('ce-')) attributes.set(header.slice(3), textOf(Array.isArray(value) ? value.join(', ') : (value ?? '')));
  }
  const type = headers['content-type'];
  if (type !== undefined) attributes.set('datacontenttype', textOf(type));
  return attributes;
}

function fromStructured(value: unknown): BrokerEvent {
  if (!isJson(value)) throw new Refusal('Cannot read CloudEvent: wanted a JSON object');
  const attributes = new Map<string, string>();
  for (const [name, entry] of Object.entries(value)) {
    if (entry === null || name === 'data' || name === 'data_base64') continue;
    if (typeof entry === 'object')
      throw new Refusal(`Cannot read CloudEvent: attribute '${name.slice(0, 60)}' is no text, number or boolean`);
    attributes.set(name.toLowerCase(), String(entry));
  }
  return { attributes, data: structuredData(value, attributes.get('datacontenttype') ?? '') };
}

function structuredData(event: Json, type: string): Buffer {
  const base64 = event['data_base64'];
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
  const data = event['data'];
  if (data === undefined || data === null) return nothing;
  return Buffer.from(typeof data === 'string' && type !== '' && !/json\s*(;|$)/i.test(type) ? data : JSON.stringify(data));
}

function check(attributes: ReadonlyMap<string, string>): void {
  for (const name of attributes.keys()) {
    if (!/^[a-z0-9]{1,100}$/.test(name))
      throw new Refusal(`Cannot read CloudEvent: attribute '${name.slice(0, 60)}', wanted a name of a-z and 0-9`);
  }
  for (const name of required) {
    if ((attributes.get(name) ?? '') === '') throw new Refusal(`Cannot read CloudEvent: attribute '${name}' is missing`);
  }
  const version = attributes.get('specversion') ?? '';
  if (version !== '1.0' && version !== '0.3')
    throw new Refusal(`Cannot read CloudEvent: specversion is '${version.slice(0, 60)}', wanted '1.0' or '0.3'`);
  const time = attributes.get('time');
  if (time !== undefined && parseTimestamp(time) === null)
    throw new Refusal(`Cannot read CloudEvent: time is '${time.slice(0, 60)}', wanted one of RFC 3339`);
}

/** Node reads the bytes of a header as latin1. */
function textOf(header: string): string {
  if (!/[\u0080-\u00ff]/.test(header)) return header;
  const bytes = Buffer.from(header, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : header;
}

/** The inverse. Control characters, which only a structured event can contain, would end the header. */
function bytesOf(value: string): string {
  const clean = value.replaceAll(/[\u0000-\u001f\u007f]/g, ' ');
  return /[^\u0020-\u007e]/.test(clean) ? Buffer.from(clean, 'utf8').toString('latin1') : clean;
}
