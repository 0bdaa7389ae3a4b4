/** Settings of the reconciler. */

import { clusterNameOf, type EventSelection, selectionOf } from '../../shared/process/event-selection.ts';
import type { Settings } from '../../shared/process/settings.ts';
import { readSubscribers, type Subscribers } from './subscribers.ts';

export interface ReconcilerConfig {
  /** Undefined: the uid of kube-system. */
  readonly cluster: string | undefined;
  readonly selection: EventSelection;
  readonly subscribers: Subscribers;
  /** On an empty store Events older than this count as seen, ms. */
  readonly backfill: number;
  /** An Event that was never seen counts as missed when it is older than this, ms. */
  readonly missedAfter: number;
  /** Missed Events sent a second, at most. */
  readonly rate: number;
  /** A dead letter is sent again for so long, ms. */
  readonly giveUpAfter: number;
  /** How long a tick is left without an answer, ms: below the timeout of its Trigger. */
  readonly tickWaits: number;
}

export function readConfig(settings: Settings): ReconcilerConfig {
  return {
    cluster: clusterNameOf(settings),
    selection: selectionOf(settings),
    subscribers: readSubscribers(settings),
    backfill: settings.duration('KNSPAN_BACKFILL', '10m', 'how far back the first listing on an empty store reaches'),
    missedAfter: settings.duration('KNSPAN_MISSED_AFTER', '60s', 'age from which an unseen Event counts as missed', '1s', '1h'),
    rate: settings.number('KNSPAN_MISSED_RATE', { default: 50, min: 1, max: 10_000, what: 'missed Events sent a second, at most' }),
    giveUpAfter: settings.duration('KNSPAN_LETTERS_FOR', '24h', 'how long a dead letter is sent again', '1m'),
    tickWaits: settings.duration('KNSPAN_TICK_WAITS', '8s', 'how long a tick waits for what is due', '0s', '5m'),
  };
}
