/** Settings of the reconciler. */

import { clusterNameOf, type EventSelection, selectionOf } from '../../shared/process/event-selection.ts';
import type { Settings } from '../../shared/process/settings.ts';
import { readSubscribers, type Subscribers } from './subscribers.ts';

export interface ReconcilerConfig {
  /** Undefined: the uid of kube-system. */
  readonly cluster: string | undefined;
  readonly selection: EventSelection;
  readonly subscribers: Subscribers;
  /** If the store is empty, Events older than this count as seen, ms. */
  readonly backfill: number;
  /** Age at which an unseen Event counts as missed, ms. */
  readonly missedAfter: number;
  /** Max missed Events sent per second. */
  readonly rate: number;
  /** How long a dead letter is retried, ms. */
  readonly giveUpAfter: number;
  /** Maximum time a tick waits, ms; below the timeout of its Trigger. */
  readonly tickWaits: number;
}

export function readConfig(settings: Settings): ReconcilerConfig {
  return {
    cluster: clusterNameOf(settings),
    selection: selectionOf(settings),
    subscribers: readSubscribers(settings),
    backfill: settings.duration('KNSPAN_BACKFILL', '10m', 'how far back the first listing reaches if the store is empty'),
    missedAfter: settings.duration('KNSPAN_MISSED_AFTER', '60s', 'age at which an unseen Event counts as missed', '1s', '1h'),
    rate: settings.number('KNSPAN_MISSED_RATE', { default: 50, min: 1, max: 10_000, what: 'max missed Events sent per second' }),
    giveUpAfter: settings.duration('KNSPAN_DEAD_LETTERS_TTL', '24h', 'how long a dead letter is retried', '1m'),
    tickWaits: settings.duration('KNSPAN_TICK_TIMEOUT', '8s', 'maximum time a tick waits for pending work', '0s', '5m'),
  };
}
