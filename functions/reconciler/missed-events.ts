/** The missed Events of a page, their unobserved occurrences, and the CloudEvents that repair them. */
import type { Observation } from '../../shared/events/observation.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { type EventSelection, isSelected, missedType } from '../../shared/process/event-selection.ts';
import { eventKey } from '../../shared/store/keys.ts';
import type { Store } from '../../shared/store/store.ts';

export interface Listed {
  /** The Event within its cluster. */
  readonly event: string;
  readonly n: number;
  readonly observation: Observation;
  readonly raw: unknown;
}

/** The selected ones, by time. */
export function listedOf(items: readonly unknown[], cluster: string, selection: EventSelection): Listed[] {
  const listed = items.flatMap((raw) => {
    const parsed = parseEvent(raw);
    if (!parsed.ok || !isSelected(selection, parsed.value.namespace)) return [];
    return [{ event: eventKey(cluster, parsed.value), n: parsed.value.n, observation: parsed.value, raw }];
  });
  return listed.sort((a, b) => a.observation.last.at - b.observation.last.at);
}

interface Search {
  readonly event: string;
  readonly n: number;
  /** The lowest number of the gap so far. */
  high: number;
  /** A seen number, or 0. */
  low: number;
  step: number;
}

/**
 * The number of unobserved occurrences between the last seen one and each of these. An Event also holds the time of occurrence 1. Gaps are
 * found by doubling and halving: a count of a million takes some forty lookups in the store, batched over all Events.
 */
export async function unobservedBelow(
  store: Pick<Store, 'unseen'>,
  missed: readonly { readonly event: string; readonly n: number }[],
): Promise<number> {
  const searches: Search[] = missed.filter(({ n }) => n > 2).map(({ event, n }) => ({ event, n, high: n, low: -1, step: 1 }));
  let open = searches;
  while (open.length > 0) {
    const probes = open.map((search) => ({ search, n: probeOf(search) }));
    const asked = probes.filter(({ n }) => n > 0);
    const unseen = await store.unseen(asked.map(({ search, n }) => ({ event: search.event, n })));
    for (const [place, { search, n }] of asked.entries()) {
      if (unseen[place]) search.high = n;
      else search.low = n;
      search.step *= 2;
    }
    for (const { search, n } of probes) if (n <= 0) search.low = 0;
    open = open.filter(({ high, low }) => low < 0 || high - low > 1);
  }
  return searches.reduce((sum, { n, high }) => sum + n - Math.max(2, high), 0);
}

function probeOf({ high, low, step }: Search): number {
  return low < 0 ? Math.max(0, high - step) : Math.floor((high + low) / 2);
}

/** With the same attributes as from the source, so that the same filters match. */
export function missedEvent({ observation, raw, n }: Listed, cluster: string, now: number): string {
  const { uid, namespace, name } = observation;
  return JSON.stringify({
    specversion: '1.0',
    type: missedType,
    source: '/knspan/reconciler',
    id: `${uid}#${n}`,
    time: new Date(now).toISOString(),
    datacontenttype: 'application/json',
    subject: `/apis/v1/namespaces/${namespace}/events/${name}`,
    cluster,
    apiversion: 'v1',
    kind: 'Event',
    ...(namespace === '' ? {} : { namespace }),
    ...(name === '' ? {} : { name }),
    data: raw,
  });
}
