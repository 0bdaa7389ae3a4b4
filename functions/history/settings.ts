/** Settings of the history. */
import { databaseUrlOf } from '../../shared/history/database-url.ts';
import { clusterNameOf } from '../../shared/process/event-selection.ts';
import { portOf } from '../../shared/process/run-function.ts';
import type { Settings } from '../../shared/process/settings.ts';
import { readStoreSettings, type StoreSettings } from '../../shared/store/open.ts';
import { rulesFilesOf } from '../correlator/rules.ts';

export interface HistoryConfig {
  readonly port: number;
  /** Of PostgreSQL 15 or newer. */
  readonly databaseUrl: string;
  /** ms; null: everything is kept. */
  readonly retention: number | null;
  readonly waitingMax: number;
  /** Of Events that do not say theirs; undefined: what the correlator has stored. */
  readonly cluster: string | undefined;
  readonly store: StoreSettings;
  readonly rules: readonly string[];
}

const hourMs = 3_600_000;
const units: Readonly<Record<string, number>> = { h: hourMs, d: 24 * hourMs };

/** What is given need not be set. */
export function readConfig(settings: Settings, given: { readonly database: boolean; readonly cluster: boolean }): HistoryConfig {
  const databaseUrl = databaseUrlOf(settings, given.database);
  const cluster = clusterNameOf(settings);
  const store = readStoreSettings(settings);
  if (cluster === undefined && store.target === null && !given.cluster)
    settings.refuse('KNSPAN_CLUSTER', 'not set', 'the name of the cluster, or REDIS_URL of the correlator, which stores it there');
  return {
    port: portOf(settings),
    databaseUrl,
    retention: retentionOf(settings),
    waitingMax: settings.number('KNSPAN_HISTORY_WAITING_MAX', {
      default: 2_000,
      min: 1,
      max: 1_000_000,
      what: 'Events and segments that may wait to be written to the history',
    }),
    cluster,
    store,
    rules: rulesFilesOf(settings),
  };
}

export function retentionOf(settings: Settings): number | null {
  const text = settings.text('KNSPAN_RETENTION', {
    default: '30d',
    pattern: /^(0|[1-9]\d{0,4}[hd])$/,
    wanted: 'hours or days such as 12h or 30d, or 0 to keep everything',
    what: 'how long the history is kept',
  });
  const [, number = '', unit = ''] = /^(\d+)([hd])$/.exec(text) ?? [];
  return number === '' ? null : Number(number) * (units[unit] ?? hourMs);
}
