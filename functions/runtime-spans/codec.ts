/** Spans and outlines as bytes for the store, and back: compact JSON, deflated. Only this function writes what it reads here. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { isJson } from '../../shared/events/json.ts';
import type { RuntimeSpan } from '../../shared/runtime-spans/runtime-span.ts';
import type { TraceOutline } from '../../shared/runtime-spans/trace-outline.ts';

/** What one request brought of a runtime trace. */
export interface SpanPart {
  /** ms. */
  readonly receivedAt: number;
  readonly spans: readonly RuntimeSpan[];
}

/** Of what this version writes; parts of another version are not read. */
const version = 1;
/** A small window: parts are small, and the default one costs more to set up than to fill. */
const options = { level: 3, windowBits: 13, memLevel: 5 } as const;
const inflatedMost = 64 * 1024 * 1024;

export function encodePart(part: SpanPart): Buffer {
  return deflated({ version, ...part });
}

export function decodePart(body: Buffer): SpanPart | null {
  const value = inflated(body);
  return isPart(value) ? value : null;
}

export function encodeOutline(outline: TraceOutline): Buffer {
  return deflated({ version, outline });
}

export function decodeOutline(body: Buffer): TraceOutline | null {
  const value = inflated(body);
  return isOutline(value) ? value.outline : null;
}

function deflated(value: unknown): Buffer {
  return deflateRawSync(JSON.stringify(value), options);
}

function inflated(body: Buffer): unknown {
  try {
    return JSON.parse(inflateRawSync(body, { maxOutputLength: inflatedMost }).toString('utf8'));
  } catch {
    return null;
  }
}

function isPart(value: unknown): value is SpanPart {
  return isJson(value) && value['version'] === version && Array.isArray(value['spans']);
}

function isOutline(value: unknown): value is { readonly outline: TraceOutline } {
  return isJson(value) && value['version'] === version && isJson(value['outline']);
}
