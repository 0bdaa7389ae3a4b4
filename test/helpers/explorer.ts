/** An explorer on a real PostgreSQL that holds the history of recordings, at the time of their last Event. */
import { startExplorer } from '../../functions/explorer/index.ts';
import type { Database } from '../../shared/history/database.ts';
import { type HistoryItem, HistoryWriter } from '../../shared/history/writer.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import { Log } from '../../shared/process/log.ts';
import { Metrics } from '../../shared/process/metrics.ts';
import { type Environment, Settings } from '../../shared/process/settings.ts';
import { itemsOf, recordings, writeAll } from './history-input.ts';
import { startPostgres } from './postgres.ts';

export interface TestExplorer {
  readonly url: string;
  readonly database: Database;
  /** Shortly after the last Event, in microseconds: what the explorer takes for now. */
  readonly now: number;
  write(items: readonly HistoryItem[]): Promise<void>;
  stop(): Promise<void>;
}

/** `chosen`: names of recordings such as `captures/crashloop`; `more`: written as well. */
export async function startTestExplorer(
  chosen: RegExp,
  { more = [], environment = {} }: { readonly more?: readonly HistoryItem[]; readonly environment?: Environment } = {},
): Promise<TestExplorer> {
  const postgres = await startPostgres();
  const database = await postgres.database();
  const writer = new HistoryWriter({ database, keepSince: () => null, waitingMax: 1_000_000 });
  const items = [
    ...(
      await Promise.all(
        recordings()
          .filter((folder) => chosen.test(folder))
          .map(itemsOf),
      )
    ).flat(),
    ...more,
  ];
  await writeAll(writer, items);
  const now = Math.max(...items.flatMap((item) => (item.kind === 'event' ? [item.observation.last.at] : []))) + 5_000_000;
  const explorer = await startExplorer(
    {
      settings: new Settings({ PORT: '0', ...environment }),
      log: new Log({ function: 'explorer', level: 'off' }),
      metrics: new Metrics(),
      clock: new ManualClock(now / 1_000),
    },
    { opened: { database, close: async () => {} } },
  );
  return {
    url: explorer.url,
    database,
    now,
    write: (written) => writeAll(writer, written),
    stop: async () => {
      await explorer.close(1_000);
      await postgres.stop();
    },
  };
}
