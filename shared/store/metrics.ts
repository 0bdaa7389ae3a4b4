/** Metrics about the store that several functions show. */
import type { Log } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import type { Store, StoreSizes } from './store.ts';

/** Calls during a lookup share its answer, so that metrics of one scrape cost one lookup. Null while the store is unavailable. */
export function sharedSizes(store: Store): () => Promise<StoreSizes | null> {
  let running: Promise<StoreSizes | null> | undefined;
  return () => {
    running ??= store
      .sizes()
      .catch(() => null)
      .finally(() => {
        running = undefined;
      });
    return running;
  };
}

/** To be called after each parking, with the number of older items that were dropped for it. */
export function droppedParkedCounter(metrics: Metrics, log: Log): (count: number) => void {
  const dropped = metrics.counter('knspan_parked_dropped_total', 'Parked items dropped because the limit was reached', {});
  return (count) => {
    if (count === 0) return;
    dropped.add({}, count);
    log.sampled('dropped', 5)?.error('dropped oldest parked items: limit reached', { count });
  };
}
