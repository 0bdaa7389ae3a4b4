/** Settings of the correlator. */
import type { CorrelateConfig } from '../../shared/correlation/config.ts';
import { clusterNameOf } from '../../shared/process/event-selection.ts';
import type { Settings } from '../../shared/process/settings.ts';
import { rulesFilesOf } from './rules.ts';

export interface CorrelatorConfig {
  /** Cluster of Events that do not name theirs; undefined: the uid of kube-system. */
  readonly cluster: string | undefined;
  /** Look up owners in the API server. */
  readonly lookups: boolean;
  readonly correlate: Omit<CorrelateConfig, 'cluster'>;
  /** Additional rules files. */
  readonly rules: readonly string[];
  readonly source: string;
  readonly emitAtOnce: number;
  /** Whether a decision waits for a listing that confirms that no Event is missing. */
  readonly repairsGaps: boolean;
  /** How long an object from the feed or a lookup is remembered, ms. */
  readonly objectsFor: number;
  /** Maximum time a tick waits for its sweep, ms; below the timeout of its Trigger. */
  readonly tickWaits: number;
}

export function readConfig(settings: Settings): CorrelatorConfig {
  return {
    cluster: clusterNameOf(settings),
    lookups: settings.flag('KNSPAN_LOOKUPS', true, 'look up owners in the API server if the object feed has not delivered them'),
    correlate: {
      rootService: settings.text('KNSPAN_ROOT_SERVICE', { default: 'knspan', what: 'service.name of root spans' }),
      budget: settings.number('KNSPAN_BUDGET', {
        default: 1_000,
        min: 10,
        max: 100_000,
        what: 'max spans per trace; similar siblings are folded',
      }),
      orphans: settings.choice(
        'KNSPAN_ORPHANS',
        ['digest', 'each', 'drop'],
        'digest',
        'Events without cause or effect: one digest per object and hour, one trace each, or dropped',
      ),
    },
    rules: rulesFilesOf(settings),
    source: settings.text('KNSPAN_SOURCE', { default: '/knspan/correlator', what: 'CloudEvents source of the segments' }),
    emitAtOnce: settings.number('KNSPAN_EMIT_CONCURRENCY', {
      default: 8,
      min: 1,
      max: 256,
      what: 'max concurrent sends to the Broker, not counting those that wait long for a response',
    }),
    repairsGaps: settings.flag(
      'KNSPAN_REPAIR_GAPS',
      false,
      'before each decision have the reconciler list the namespace for Events that the stream has lost',
    ),
    objectsFor: settings.duration('KNSPAN_OBJECTS_TTL', '24h', 'how long an object is remembered', '1h', '720h'),
    tickWaits: settings.duration('KNSPAN_TICK_TIMEOUT', '8s', 'maximum time a tick waits for pending work', '0s', '5m'),
  };
}
