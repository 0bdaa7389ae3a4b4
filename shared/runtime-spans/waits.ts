/**
 * Time of a pod that no call accounts for: a pass of the kubelet before its first call, and what lies between two passes of which one
 * failed. The kubelet has no spans for volumes, secrets and back-off; why it waited is in the status of the passes that failed.
 */
import type { Micros } from '../events/observation.ts';
import type { Facts } from './facts.ts';
import type { Placed } from './join.ts';
import type { SyncUnit } from './units.ts';

export interface Wait {
  /** The pass that ended it. */
  readonly placed: Placed;
  /** Inside of that pass, or before it. */
  readonly inside: boolean;
  readonly start: Micros;
  readonly end: Micros;
  readonly reason: string;
  readonly failed: boolean;
}

/** Shorter ones tell nothing. */
const least = 100_000;

export function waitsOf(placed: readonly Placed[], facts: Facts): Wait[] {
  const passes = placed.filter(isPass).sort((a, b) => a.unit.start - b.unit.start);
  const waits: Wait[] = [];
  for (const own of Map.groupBy(passes, ({ unit }) => unit.podUid).values()) {
    for (const [index, pass] of own.entries()) {
      waits.push(...insideOf(pass));
      const before = own[index - 1];
      if (before !== undefined && pass.unit.pass !== 'terminating' && pass.unit.pass !== 'terminated')
        waits.push(...between(before, pass, facts));
    }
  }
  return waits;
}

type PlacedPass = Placed & { readonly unit: SyncUnit };

function isPass(placed: Placed): placed is PlacedPass {
  return placed.unit.kind === 'sync';
}

/** Before its first call a pass prepares cgroups, volumes and secrets. */
function insideOf(placed: PlacedPass): Wait[] {
  const { start, pass, calls } = placed.unit;
  const first = calls.reduce((earliest, call) => Math.min(earliest, call.start), Number.POSITIVE_INFINITY);
  if (!Number.isFinite(first) || first - start < least || pass === 'terminating' || pass === 'terminated') return [];
  return [{ placed, inside: true, start, end: first, reason: 'volumes, secrets and cgroups', failed: false }];
}

/** From the end of what was done last to the pass that went on, where passes between them say why they did nothing. */
function between(before: PlacedPass, after: PlacedPass, facts: Facts): Wait[] {
  const { podUid } = after.unit;
  const failures = facts.failedPasses.get(podUid)?.filter(({ end }) => end > before.unit.start && end < after.unit.start) ?? [];
  const last = failures.at(-1);
  if (last === undefined) return [];
  const ran = facts.runs.get(podUid)?.filter(({ end }) => end > before.unit.end && end <= after.unit.start) ?? [];
  const start = ran.reduce((latest, { end }) => Math.max(latest, end), before.unit.end);
  if (after.unit.start - start < least) return [];
  return [{ placed: after, inside: false, start, end: after.unit.start, reason: last.head.statusMessage, failed: true }];
}
