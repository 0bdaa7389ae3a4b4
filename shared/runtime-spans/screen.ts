/** Sorts the spans of one request: by trace, what is worth keeping and by which keys it is found; the rest is counted and dropped. */
import { classify, type NoiseKind, requestOf, type Verdict } from './classify.ts';
import { objectKey } from './request.ts';
import { type RuntimeSpan, textOf } from './runtime-span.ts';

/** The kept spans of a trace, of all that one request brought. */
export interface KeptTrace {
  readonly traceId: string;
  readonly spans: readonly RuntimeSpan[];
  /** Empty: what it speaks of, other requests will say, or none. */
  readonly keys: readonly string[];
}

export interface Screened {
  readonly kept: readonly KeptTrace[];
  readonly dropped: ReadonlyMap<NoiseKind, number>;
}

type Classified = readonly [RuntimeSpan, Verdict];

export function screen(spans: readonly RuntimeSpan[]): Screened {
  const dropped = new Map<NoiseKind, number>();
  const drop = (kind: NoiseKind, count = 1) => dropped.set(kind, (dropped.get(kind) ?? 0) + count);
  const kept: KeptTrace[] = [];
  for (const [traceId, own] of Map.groupBy(spans, (span) => span.traceId)) {
    const verdicts = own.map((span): Classified => [span, classify(span)]);
    const noise = wholeNoise(verdicts);
    if (noise !== null) {
      drop(noise, own.length);
      continue;
    }
    const stays: RuntimeSpan[] = [];
    for (const [span, verdict] of verdicts) {
      if (verdict.kind === 'noise') drop(verdict.of);
      else stays.push(span);
    }
    if (stays.length > 0) kept.push({ traceId, spans: stays, keys: keysOf(verdicts) });
  }
  return { kept, dropped };
}

/** What a request stores is of the kind that the request is. */
function wholeNoise(verdicts: readonly Classified[]): NoiseKind | null {
  if (verdicts.some(([, verdict]) => verdict.kind === 'speaks')) return null;
  for (const [, verdict] of verdicts) if (verdict.kind === 'noise' && verdict.whole) return verdict.of;
  return null;
}

function keysOf(verdicts: readonly Classified[]): string[] {
  const keys = new Set<string>();
  for (const [span, verdict] of verdicts) {
    if (verdict.kind !== 'noise') for (const key of verdict.keys) keys.add(key);
    if (requestOf(span)?.subresource === 'token') for (const pod of tokenPods(verdicts)) keys.add(pod);
  }
  return [...keys].sort();
}

/** The pod that a token is for is read while the token is made; the path names the service account alone. */
function tokenPods(verdicts: readonly Classified[]): string[] {
  return verdicts.flatMap(([span]) => {
    const [, resource, namespace = '', name = ''] = textOf(span, 'key').split('/');
    return resource === 'pods' && span.name === 'cacher.Get' ? [objectKey('pods', namespace, name)] : [];
  });
}
