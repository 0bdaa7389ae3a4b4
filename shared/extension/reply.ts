/**
 * A function's reply as one CloudEvent: the received event with the function's changes. Its id is derived from the received id, since a
 * redelivery must give the same event; `hops` counts how many events this one is derived from, since not every Broker ends a loop.
 */
import { createHash } from 'node:crypto';
import { CloudEvent } from 'cloudevents';
import { percentEncoded, type ReceivedEvent } from '../events/cloudevents.ts';
import type { Result } from '../events/json.ts';
import { otlpText } from '../spans/otlp.ts';
import type { Segment } from '../spans/span.ts';

/** The changes to the received event. */
export interface Reply<R extends string = string> {
  /** One of `replies`. */
  readonly type: R;
  /** Added to the received ones, or replacing them. */
  readonly extensions?: Readonly<Record<string, string>>;
  readonly subject?: string;
  /** Replaces the received spans. */
  readonly segment?: Segment;
  /** JSON; replaces the received data. */
  readonly data?: unknown;
}

export interface ReplyRules {
  /** Name of the function, part of the reply's source. */
  readonly name: string;
  readonly replies: readonly string[];
}

/** A reply ready to send: attributes, and JSON or text. */
export interface OutgoingReply {
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: string | undefined;
}

/** Below 1 MiB, Kafka's limit for a record. */
const bytesMost = 900 * 1024;
const valueMost = 8_192;
const fixed = ['id', 'source', 'type', 'specversion', 'subject', 'time', 'datacontenttype', 'dataschema', 'data', 'hops'];

export function sourceOf(name: string): string {
  return `/knspan/${name}`;
}

export function hopsOf({ extensions }: ReceivedEvent): number {
  const text = extensions['hops'] ?? '';
  return /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
}

export function makeReply(event: ReceivedEvent, reply: Reply, { name, replies }: ReplyRules): Result<OutgoingReply> {
  if (!replies.includes(reply.type))
    return refused(`its type is '${reply.type}', wanted one of its 'replies': ${replies.join(', ') || 'none'}`);
  const fault = faultIn(reply);
  if (fault !== null) return refused(fault);
  const isNew = reply.segment !== undefined || reply.data !== undefined;
  if (!isNew && event.dataBase64 !== undefined) return refused('the received data is not text, wanted new data');
  const data = dataOf(event, reply);
  if (data !== undefined && Buffer.byteLength(data) > bytesMost)
    return refused(`it has ${Buffer.byteLength(data)} bytes, wanted at most ${bytesMost}`);
  const kept = Object.entries(event.extensions).filter(([key]) => !key.startsWith('knative'));
  const { traceid, ...segment } = reply.segment === undefined ? {} : attributesOf(reply.segment);
  const attributes: Record<string, string> = {
    ...Object.fromEntries(kept),
    ...segment,
    ...(traceid === undefined ? {} : { traceid }),
    ...reply.extensions,
    specversion: '1.0',
    // A function replies with the same type to one event only once.
    id: createHash('sha256')
      .update(JSON.stringify([name, reply.type, event.source, event.id]))
      .digest('hex')
      .slice(0, 32),
    source: sourceOf(name),
    type: reply.type,
    subject: reply.subject ?? event.subject,
    time: event.time || event.extensions['knativearrivaltime'] || '',
    datacontenttype: isNew ? 'application/json' : event.dataContentType,
    hops: String(hopsOf(event) + 1),
  };
  return { ok: true, value: { attributes: Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== '')), data } };
}

/** As the response to a request. */
export function toCloudEvent({ attributes, data }: OutgoingReply): CloudEvent<unknown> {
  return new CloudEvent({ ...attributes, ...(data === undefined ? {} : { data }) }, false);
}

/** As a request of its own, in structured mode. */
export function toStructured({ attributes, data }: OutgoingReply): string {
  const head = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, percentEncoded(value)]));
  const isJsonType = /^[^;]*\bjson\s*(;|$)/i.test(attributes['datacontenttype'] ?? 'application/json');
  const body = JSON.stringify(head);
  return data === undefined ? body : `${body.slice(0, -1)},"data":${isJsonType ? data : JSON.stringify(data)}}`;
}

function dataOf(event: ReceivedEvent, reply: Reply): string | undefined {
  if (reply.segment !== undefined) return otlpText(reply.segment);
  if (reply.data !== undefined) return JSON.stringify(reply.data);
  return event.data === undefined ? event.dataText : JSON.stringify(event.data);
}

function attributesOf({ traceId, severity, spans }: Segment): Record<string, string> {
  return { traceid: traceId, severity, spancount: String(spans.length) };
}

function faultIn({ extensions = {}, segment, data }: Reply): string | null {
  if (segment !== undefined && data !== undefined) return "it has a 'segment' and 'data', wanted one of them";
  if (segment?.spans.length === 0) return 'its segment has no spans, wanted some, or no reply';
  for (const [key, value] of Object.entries(extensions)) {
    if (!/^[a-z][a-z0-9]{0,19}$/.test(key) || fixed.includes(key) || key.startsWith('knative'))
      return `its extension is named '${key.slice(0, 60)}', wanted a free name of up to 20 characters a-z and 0-9`;
    if (typeof value !== 'string' || value === '' || value.length > valueMost || /[\u0000-\u001f\u007f]/.test(value))
      return `its extension '${key}' is not text of 1 to ${valueMost} printable characters`;
  }
  return null;
}

function refused(why: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason: `Cannot reply: ${why}` };
}
