/** What all runtime traces together say of pods: names, beginnings and ends, which no single one of them tells. */
import type { Micros } from '../events/observation.ts';
import { eventKey } from './classify.ts';
import { endings, podWindow } from './placements.ts';
import { objectKey } from './request.ts';
import type { RuntimeTrace } from './runtime-trace.ts';
import type { TraceOutline } from './trace-outline.ts';
import { containersIn, type RequestUnit, type RunUnit, type SyncUnit, type Unit, unitsOf } from './units.ts';

type Times = ReadonlyMap<string, readonly Micros[]>;

export interface Facts {
  readonly units: ReadonlyMap<RuntimeTrace, readonly Unit[]>;
  /** By uid, `pods/<namespace>/<name>`. */
  readonly podNames: ReadonlyMap<string, string>;
  /** When a pod of that name was created, by `pods/<namespace>/<name>`, in time. */
  readonly created: Times;
  /** When its deletion was asked for. */
  readonly deleted: Times;
  /** The same as Events tell it, for where the API server's spans are missing. */
  readonly deletedByEvents: Times;
  /** When occurrences of an Event after its first were written, by `events/<namespace>/<name>`. */
  readonly repeated: Times;
  /** Passes over a pod that ended with an error, by its uid, in time. */
  readonly failedPasses: ReadonlyMap<string, readonly SyncUnit[]>;
  /** The lives of its containers. */
  readonly runs: ReadonlyMap<string, readonly RunUnit[]>;
}

export function factsOf(unsorted: readonly RuntimeTrace[], outlines: readonly TraceOutline[]): Facts {
  const traces = [...unsorted].sort((a, b) => (a.traceId < b.traceId ? -1 : 1));
  const containers = containersIn(traces);
  const units = new Map(traces.map((trace) => [trace, unitsOf(trace, containers)] as const));
  const all = [...units.values()].flat().sort((a, b) => a.start - b.start);
  const requests = all.filter((unit) => unit.kind === 'request');
  const passes = all.filter((unit) => unit.kind === 'sync');
  return {
    units,
    podNames: new Map(passes.filter(({ name }) => name !== '').map((pass) => [pass.podUid, podOf(pass)])),
    created: timesOf(requests.filter((unit) => unit.resource === 'pods' && unit.verb === 'create' && unit.subresource === '')),
    deleted: timesOf(requests.filter(isPodDeletion)),
    deletedByEvents: deletionsIn(outlines, passes),
    repeated: timesOf(requests.filter((unit) => unit.resource === 'events' && unit.verb !== 'create')),
    failedPasses: Map.groupBy(
      passes.filter(({ head }) => head.failed),
      ({ podUid }) => podUid,
    ),
    runs: Map.groupBy(
      all.filter((unit) => unit.kind === 'run'),
      ({ podUid }) => podUid,
    ),
  };
}

/** When the pod that bears the name at that time was asked to go; null: not before that time. */
export function deletedBefore(facts: Facts, pod: string, at: Micros): Micros | null {
  const born = facts.created.get(pod)?.findLast((time) => time <= at) ?? Number.NEGATIVE_INFINITY;
  const isOfIt = (time: Micros) => time >= born && time <= at;
  return facts.deleted.get(pod)?.find(isOfIt) ?? facts.deletedByEvents.get(pod)?.find(isOfIt) ?? null;
}

export function isPodDeletion(unit: Unit): boolean {
  return unit.kind === 'request' && unit.resource === 'pods' && (unit.verb === 'delete' || unit.subresource === 'eviction');
}

export function podOf({ namespace, name }: SyncUnit): string {
  return objectKey('pods', namespace, name);
}

function deletionsIn(outlines: readonly TraceOutline[], passes: readonly SyncUnit[]): Times {
  const told = outlines.flatMap(({ anchors }) => anchors).filter(({ verb }) => endings.includes(verb));
  const deletions = told.map(({ subject, at }) => ({ pod: subject, at }));
  const byPod = Map.groupBy(deletions, ({ pod }) => pod);
  // The kubelet may have begun before the Event was made. A pod that ended by itself was not deleted.
  const begun = passes
    .filter(({ pass }) => pass === 'terminating')
    .map((pass) => ({ pod: podOf(pass), at: pass.start }))
    .filter(({ pod, at }) => byPod.get(pod)?.some((deletion) => Math.abs(deletion.at - at) <= podWindow.slack));
  const sorted = [...deletions, ...begun].sort((a, b) => a.at - b.at);
  return mapValues(
    Map.groupBy(sorted, ({ pod }) => pod),
    ({ at }) => at,
  );
}

/** By the object that the requests are about. */
function timesOf(requests: readonly RequestUnit[]): Times {
  const keyOf = ({ resource, namespace, name }: RequestUnit) =>
    resource === 'events' ? eventKey(namespace, name) : objectKey(resource, namespace, name);
  return mapValues(Map.groupBy(requests, keyOf), ({ start }) => start);
}

function mapValues<T>(groups: ReadonlyMap<string, readonly T[]>, timeOf: (one: T) => Micros): Times {
  return new Map([...groups].map(([key, list]) => [key, list.map(timeOf)]));
}
