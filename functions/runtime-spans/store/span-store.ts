/**
 * What is kept for as long as spans and traces may find each other: the runtime spans, the outlines of traces, and what was sent of each
 * trace. To the store these are bytes under an id, found by keys. Two implementations, `MemorySpanStore` and `RedisSpanStore`, over which
 * one contract suite runs. A method rejects with a `StoreError` when the store is unavailable; each call may safely be repeated.
 */

/** Spans of a runtime trace, or the outline of an event trace. */
export type Collection = 'spans' | 'outlines';

/** A part of what stands under the id; what is found by the id are all its parts. */
export interface StoredPart {
  readonly id: string;
  readonly body: Buffer;
  /** Spans in it, for the bound on their number. */
  readonly spans: number;
  /** By which the id is found. Without any it is kept for a short time: another part of it may bring some. */
  readonly keys: readonly string[];
}

export interface Bounds {
  /** Of all that is kept, with what the store needs beside. */
  readonly bytes: number;
  readonly spans: number;
  /** How long something is kept, ms. Less where the store fills up. */
  readonly ttlMs: number;
}

export const defaultBounds: Bounds = { bytes: 256 * 1024 * 1024, spans: 2_000_000, ttlMs: 20 * 60_000 };

export interface Usage {
  readonly bytes: number;
  readonly spans: number;
}

export interface SpanStore {
  /** Durable when it resolves. False when there is no room: nothing was taken. */
  put(collection: Collection, parts: readonly StoredPart[]): Promise<boolean>;
  /** Finds the ids by more keys. */
  link(collection: Collection, id: string, keys: readonly string[]): Promise<void>;
  /** For each key its ids, the newest first. */
  find(collection: Collection, keys: readonly string[]): Promise<readonly (readonly string[])[]>;
  /** For each id its parts. */
  read(collection: Collection, ids: readonly string[]): Promise<readonly (readonly Buffer[])[]>;

  /** Ids of copies of the trace -> by which delivery they were told. */
  told(traceId: string): Promise<ReadonlyMap<string, string>>;
  /** What is told already stays as it is. */
  tell(traceId: string, copies: ReadonlyMap<string, string>): Promise<void>;

  /** To be looked at again at that time, ms; the earliest counts. */
  schedule(traceId: string, at: number): Promise<void>;
  /** Traces that are due; each is nobody else's for so long, unless `finish` says that it is done. */
  claim(now: number, leaseMs: number, most: number): Promise<readonly string[]>;
  finish(traceId: string): Promise<void>;

  usage(): Promise<Usage>;
  /** Whether calls can be answered at this moment. */
  ready(): boolean;
  close(): Promise<void>;
}

/** Ids under one key; the newest stay. */
export const idsMost = 500;
/** Parts under one id; the last stay. */
export const partsMost = 64;
/** Of what has no key. */
export const keylessTtlMs = 60_000;

/** What the store itself needs, roughly, for an id and for each of its keys. */
const bytesPerPart = 160;
const bytesPerKey = 90;
const bytesPerTold = 64;
const leastTtlMs = 60_000;

export function weightOf(parts: readonly StoredPart[]): Usage {
  let bytes = 0;
  let spans = 0;
  for (const part of parts) {
    bytes += part.body.length + bytesPerPart + part.keys.length * bytesPerKey;
    spans += part.spans;
  }
  return { bytes, spans };
}

export function weightOfTold(copies: number): Usage {
  return { bytes: copies * bytesPerTold, spans: 0 };
}

/**
 * How long something new is kept, ms; 0: there is no room. From half full on less and less, so that what is new always finds room: it is
 * needed most, since most traces settle within a minute.
 */
export function lifetimeOf(used: Usage, { bytes, spans, ttlMs }: Bounds): number {
  const free = Math.min(1 - used.bytes / bytes, 1 - used.spans / spans);
  if (free <= 0) return 0;
  return Math.ceil(Math.max(Math.min(leastTtlMs, ttlMs), ttlMs * Math.min(1, 2 * free)));
}
