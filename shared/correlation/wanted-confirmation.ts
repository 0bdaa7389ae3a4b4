/**
 * Up to when the stream must have brought everything for a decision to stand. A stream loses Events without a sign: whole changes, or the
 * end of one. A listing tells; what it must have seen follows from event times alone.
 */
import type { Micros } from '../events/observation.ts';
import { isRolling, isTracked, type TrackedChange } from './change.ts';
import { decidableAt } from './correlate.ts';
import { quietAfterEnd, second } from './settling-times.ts';
import type { Decided } from './steps.ts';

/** A pod that was scheduled, or whose image is pulled, is heard of again sooner, unless the pull is slow. */
export const stallsAfter = 30 * second;
/** Where Kubernetes keeps the Events of objects without a namespace. */
const clusterScoped = 'default';

/** By namespace: that time. What is placed must be whole up to itself, what is told until the quiet that ended its change. */
export function wantedConfirmation({ decided, after: { context, keep } }: Pick<Decided, 'after' | 'decided'>): Map<string, Micros> {
  const wanted = new Map<string, Micros>();
  const want = (namespace: string, at: Micros) => {
    const name = namespace || clusterScoped;
    wanted.set(name, Math.max(at, wanted.get(name) ?? at));
  };
  for (const { occurrence } of decided) want(occurrence.routed.observation.namespace, occurrence.at + quietAfterEnd);
  for (const { occurrence } of keep.placed) want(occurrence.routed.observation.namespace, occurrence.at);
  for (const change of Object.values(context.changes)) {
    const at = change.last + stallsAfter;
    if (isTracked(change) && isWaiting(change) && at <= context.watermark) want(change.root.namespace, at);
  }
  return wanted;
}

/** When to look at the domain because a change in it may have stalled by then; null: none waits, or all have been looked at. */
export function stallsAt({ context }: Decided['after']): Micros | null {
  const times = Object.values(context.changes)
    .filter((change) => isTracked(change) && isWaiting(change))
    .map(({ last }) => last + stallsAfter)
    .filter((at) => at > context.watermark);
  return times.length === 0 ? null : decidableAt(Math.min(...times));
}

/** For a pod; a job's end is waited for however long it takes. */
function isWaiting(change: TrackedChange): boolean {
  if (change.end !== 'none' || change.failed !== '' || change.superseded) return false;
  return Object.values(change.made).includes('waiting') || isRolling(change);
}
