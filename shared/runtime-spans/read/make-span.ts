/** The gate of all readers: what a request says of a span, within bounds, or why the span cannot be used. */
import { latestTime } from '../../events/time.ts';
import type { AttributeValue } from '../../spans/span.ts';
import type { RuntimeSpan, SpanKind, SpanRef } from '../runtime-span.ts';
import { isKept } from './kept-attributes.ts';

/** Why a span, or a part of it, was not taken. */
export const faults = ['bad_id', 'bad_time', 'bad_type', 'too_many', 'attributes_cut', 'text_cut', 'links_cut'] as const;
export type Fault = (typeof faults)[number];

export interface RawSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** As in OTLP: 1 internal, 2 server, 3 client. */
  readonly kind: number;
  /** Nanoseconds. */
  readonly start: bigint;
  readonly end: bigint;
  readonly failed: boolean;
  readonly statusMessage: string;
  readonly attributes: AttributeBag;
  readonly links: readonly SpanRef[];
}

export interface RawResource {
  readonly service: string;
  readonly node: string;
  readonly cluster: string;
}

const spansMost = 50_000;
export const attributesMost = 128;
export const linksMost = 8;
const textMost = 512;
const listMost = 20;
const kinds: readonly SpanKind[] = ['other', 'internal', 'server', 'client'];

/** The attributes of one span while they are read; those beyond the bound are counted, not kept. */
export class AttributeBag {
  readonly values: Record<string, AttributeValue> = {};
  #seen = 0;

  /** Whether the value is worth reading. */
  wants(key: string): boolean {
    this.#seen += 1;
    return this.#seen <= attributesMost && isKept(key);
  }

  get isCut(): boolean {
    return this.#seen > attributesMost;
  }

  set(key: string, value: AttributeValue): void {
    this.values[key] = bounded(key, value);
  }
}

/** What a reader has read: the spans that can be used, and how often something was at fault. */
export class SpanBatch {
  readonly spans: RuntimeSpan[] = [];
  readonly faults = new Map<Fault, number>();
  /** Spans that were refused. */
  rejected = 0;
  readonly #most: number;

  /** `most`: spans that are taken of one request. */
  constructor(most = spansMost) {
    this.#most = most;
  }

  note(fault: Fault, count = 1): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + count);
  }

  reject(fault: Fault): void {
    this.rejected += 1;
    this.note(fault);
  }

  add(raw: RawSpan, { service, node, cluster }: RawResource): void {
    if (this.spans.length >= this.#most) return this.reject('too_many');
    const parentSpanId = raw.parentSpanId.toLowerCase();
    const traceId = raw.traceId.toLowerCase();
    const spanId = raw.spanId.toLowerCase();
    if (!isId(traceId, 32) || !isId(spanId, 16) || !(parentSpanId === '' || isId(parentSpanId, 16))) return this.reject('bad_id');
    const start = Number(raw.start / 1_000n);
    const end = Number(raw.end / 1_000n);
    if (start <= 0 || end < start || end >= latestTime) return this.reject('bad_time');
    if (raw.attributes.isCut) this.note('attributes_cut');
    if (raw.links.length > linksMost) this.note('links_cut');
    if (raw.name.length > textMost || raw.statusMessage.length > textMost) this.note('text_cut');
    this.spans.push({
      traceId,
      spanId,
      // A span that names itself as its parent would be a circle of one.
      parentSpanId: parentSpanId === spanId ? '' : parentSpanId,
      name: cutText(raw.name),
      kind: kinds[raw.kind] ?? 'other',
      service: cutText(service),
      node: cutText(node),
      cluster: cutText(cluster),
      start,
      end,
      attributes: raw.attributes.values,
      failed: raw.failed,
      statusMessage: cutText(raw.statusMessage),
      links: raw.links.slice(0, linksMost).filter((link) => isId(link.traceId, 32) && isId(link.spanId, 16)),
    });
  }
}

export function isId(text: string, digits: number): boolean {
  return text.length === digits && /^[0-9a-f]+$/.test(text) && !/^0+$/.test(text);
}

/** A registry's URL may hold a signed query, and an agent or a path any text. */
function bounded(key: string, value: AttributeValue): AttributeValue {
  if (typeof value === 'string') return cutText(key.includes('url') || key === 'http.target' ? withoutSecrets(value) : value);
  return typeof value === 'object' ? value.slice(0, listMost).map(cutText) : value;
}

/** Without query and without user and password. */
function withoutSecrets(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
}

function cutText(text: string): string {
  if (text.length <= textMost) return text;
  const end = /[\ud800-\udbff]/.test(text[textMost - 1] ?? '') ? textMost - 1 : textMost;
  return text.slice(0, end);
}
