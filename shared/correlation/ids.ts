/** Derived ids: a change gets the same ids whatever the order, time and number of deliveries of its Events. Never random. */
import { hash } from 'node:crypto';
import type { ChangeState } from './change.ts';
import { keyOf } from './occurrence.ts';

/** Trace id (32 hex digits) of the change that `anchor` (uid#n of its opening occurrence) began on the root object. */
export function traceIdOf(cluster: string, rootUid: string, anchor: string): string {
  return digest(32, 'trace', cluster, rootUid, anchor);
}

/** The ids of the trace of a change and of its root span. */
export function traceOf(cluster: string, change: ChangeState): { readonly traceId: string; readonly rootSpanId: string } {
  const of = keyOf(change.kind === 'digest' ? change.about : change.root);
  return { traceId: traceIdOf(cluster, of, change.id), rootSpanId: spanIdOf(cluster, change.id, 'root') };
}

/** Span id (16 hex digits) of one occurrence in one role. */
export function spanIdOf(cluster: string, occurrence: string, role: string): string {
  return digest(16, 'span', cluster, occurrence, role);
}

/** Order-independent hash of a set of occurrences: the sum of their hashes, 16 hex digits. */
export function digestOf(occurrences: Iterable<string>): string {
  let sum = 0n;
  for (const one of occurrences) sum = (sum + BigInt(`0x${digest(16, 'fold', one)}`)) & 0xffffffffffffffffn;
  return sum.toString(16).padStart(16, '0');
}

function digest(length: number, ...parts: string[]): string {
  const hex = hash('sha256', parts.join('\u0000'), 'hex').slice(0, length);
  // All zeros means "no id" in OpenTelemetry.
  return /^0+$/.test(hex) ? `${hex.slice(1)}1` : hex;
}
