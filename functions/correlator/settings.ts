/** Settings of the correlator. */
import type { CorrelateConfig } from '../../shared/correlation/config.ts';
import { clusterNameOf } from '../../shared/process/event-selection.ts';
import type { Settings } from '../../shared/process/settings.ts';

export interface CorrelatorConfig {
  /** Of Events that do not say theirs; undefined: the uid of kube-system. */
  readonly cluster: string | undefined;
  /** Whether the API server is asked about owners. */
  readonly lookups: boolean;
  readonly correlate: Omit<CorrelateConfig, 'cluster'>;
  /** Files with rules of the user's own. */
  readonly rules: readonly string[];
  readonly source: string;
  readonly emitAtOnce: number;
  /** How long an object that was fed or looked up is remembered, ms. */
  readonly objectsFor: number;
  /** How long a tick waits for its sweep, ms: below the timeout of its Trigger. */
  readonly tickWaits: number;
}

export function readConfig(settings: Settings): CorrelatorConfig {
  return {
    cluster: clusterNameOf(settings),
    lookups: settings.flag('KNSPAN_LOOKUPS', true, 'ask the API server for owners of objects that nobody has fed'),
    correlate: {
      rootService: settings.text('KNSPAN_ROOT_SERVICE', { default: 'knspan', what: 'service.name of root spans' }),
      budget: settings.number('KNSPAN_BUDGET', {
        default: 1_000,
        min: 10,
        max: 100_000,
        what: 'most spans in a trace; what is alike folds',
      }),
      orphans: settings.choice('KNSPAN_ORPHANS', ['digest', 'each', 'drop'], 'digest', 'Events without cause or effect'),
    },
    rules: (settings.optionalText('KNSPAN_RULES', { what: "files with rules of one's own, separated by commas" }) ?? '')
      .split(',')
      .map((file) => file.trim())
      .filter((file) => file !== ''),
    source: settings.text('KNSPAN_SOURCE', { default: '/knspan/correlator', what: 'CloudEvents source of the segments' }),
    emitAtOnce: settings.number('KNSPAN_EMIT_AT_ONCE', {
      default: 8,
      min: 1,
      max: 256,
      what: 'segments sent at the same time, beside those that wait long for an answer',
    }),
    objectsFor: settings.duration('KNSPAN_OBJECTS_FOR', '24h', 'how long an object is remembered', '1h', '720h'),
    tickWaits: settings.duration('KNSPAN_TICK_WAITS', '8s', 'how long a tick waits for what is due', '0s', '5m'),
  };
}
