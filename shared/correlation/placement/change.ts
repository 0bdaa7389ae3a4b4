/** When a change is settled: nothing of it can come any more. Worked out from event times alone. */
import type { Micros } from '../../events/observation.ts';
import type { ChangeState } from '../context.ts';
import { healthyAfter, hour, longestChange, longestIncident, quietAfterEnd, quietWithoutEnd } from '../settling-times.ts';

export type Progress = 'done' | 'waiting' | 'stuck' | 'unsure';

/** The event time at which the change is settled if nothing more of it comes. */
export function settlesAt(change: ChangeState): Micros {
  if (change.kind === 'digest') return (Math.floor(change.start / hour) + 1) * hour;
  if (change.kind === 'incident') return Math.max(change.openUntil, Math.min(change.start + longestIncident, change.last + healthyAfter));
  const longest = change.start + longestChange;
  const progress = progressOf(change);
  if (progress === 'waiting') return longest;
  return Math.min(longest, change.last + (progress === 'done' ? quietAfterEnd : quietWithoutEnd));
}

/**
 * done: its end condition holds; waiting: something is under way that must still be told (a pull, a container's start, a
 * job's end, a rollout whose new pods are well); stuck: in trouble, waiting may be in vain; unsure: it has no end condition.
 */
export function progressOf(change: ChangeState): Progress {
  if (change.closed) return 'done';
  if (change.superseded && change.expectsEnd) return 'unsure';
  const made = Object.values(change.made);
  if (change.expectsEnd) return 'waiting';
  if (made.includes('failing') || made.includes('restarted') || change.failed !== '') return 'stuck';
  if (change.superseded) return 'unsure';
  if (made.includes('waiting') || rolling(change)) return 'waiting';
  if (change.unreplaced.length > 0 || change.kind === 'update' || change.kind === 'cleanup') return 'unsure';
  return made.length === 0 && change.deletes === 0 ? 'unsure' : 'done';
}

/** A rollout is under way as long as an old ReplicaSet has pods beside the new one, or the new one has fewer than there were. */
export function rolling(change: ChangeState): boolean {
  if (change.newSet === '') return false;
  const olds = Object.values(change.oldSets);
  return olds.some((replicas) => replicas > 0) || (olds.length > 0 && change.newReplicas < change.wanted);
}

export function outcomeOf(change: ChangeState): 'ok' | 'failed' | 'incomplete' {
  if (change.failed !== '') return 'failed';
  if (change.kind === 'digest') return 'ok';
  if (change.kind === 'incident') return 'failed';
  const made = Object.values(change.made);
  if (made.includes('failing')) return 'failed';
  if (rolling(change) && made.includes('unready')) return 'failed';
  if (change.closed) return 'ok';
  if (made.includes('waiting') || change.expectsEnd || rolling(change)) return change.trouble !== '' ? 'failed' : 'incomplete';
  return 'ok';
}
