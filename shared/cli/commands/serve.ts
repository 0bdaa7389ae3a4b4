/** `knspan serve`: the whole pipeline in one process, over HTTP like in a cluster; with `--live` fed by the current cluster. */
import { systemClock } from '../../process/clock.ts';
import { processEnvironment } from '../../process/settings.ts';
import { type Notification, sendNotification } from '../live/apiserver-notifications.ts';
import { followNotifications } from '../live/cluster-source.ts';
import type { LocalFunctions } from '../local/local-run.ts';
import { createOutput } from '../output/output.ts';
import { counted } from '../output/terminal.ts';
import { orphansKept, Selection } from '../output/trace-selection.ts';
import { filterOf, type ShowOptions, setExitCode } from './replay.ts';
import { untilSettled } from './watch.ts';

export interface ServeOptions extends ShowOptions {
  readonly port: number;
  readonly host: string;
  readonly live: boolean;
  readonly correlators: number;
  readonly with: readonly string[];
}

/** What happened shortly before the start is shown too. */
const lookBack = 10 * 60 * 1_000_000;

export async function serveCommand(functions: LocalFunctions, options: ServeOptions): Promise<void> {
  const environment = processEnvironment();
  const clock = systemClock();
  const began = clock.now() * 1_000;
  const selection = new Selection(filterOf(options, began), options.orphans);
  const exports =
    options.otlp !== undefined || Boolean(environment['OTEL_EXPORTER_OTLP_ENDPOINT'] || environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
  const shows = !exports || options.view !== undefined || options.format !== undefined || options.out !== undefined;
  // Sending is the exporter's here.
  const output = shows ? await createOutput({ ...options, otlp: undefined }, process.stdout, {}) : null;
  const { startLocal } = await import('../local/local-pipeline.ts');
  const run = await startLocal(functions, {
    environment: { ...environment, ...environmentOf(options) },
    clock,
    logLevel: options.quiet ? 'error' : 'warn',
    log: (line) => process.stderr.write(line),
    port: options.port,
    host: options.host,
    correlators: Math.max(1, options.correlators),
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
    overlays: options.with,
  });
  const say = (sentence: string) => options.quiet || process.stderr.write(`${sentence}\n`);
  say(`Taking CloudEvents at ${run.url}; ${untilSettled}`);
  const pump = new Pump(run.url, say);
  const follower = options.live
    ? await followNotifications({
        namespace: options.namespace,
        onProblem: say,
        since: began - lookBack,
        onNotification: (notification) => pump.push(notification),
      })
    : null;
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve);
  });
  follower?.stop();
  const { inbox, undecided } = await run.figures();
  await run.close();
  await output?.close();
  say(`${selection.summary}; ${counted(inbox + undecided, 'occurrence')} not settled yet`);
  setExitCode(options, { undelivered: false, failed: selection.failed });
  process.exit(process.exitCode ?? 0);
}

function environmentOf({ cluster, orphans, budget, rootService, rules, otlp, live }: ServeOptions): Record<string, string> {
  return {
    ...(cluster === '' ? {} : { KNSPAN_CLUSTER: cluster }),
    ...(otlp === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: otlp }),
    KNSPAN_ORPHANS: orphansKept(orphans),
    KNSPAN_BUDGET: String(budget),
    KNSPAN_ROOT_SERVICE: rootService,
    ...(rules.length === 0 ? {} : { KNSPAN_RULES: rules.join(',') }),
    KNSPAN_LOOKUPS: String(live),
  };
}

/** Sends what the watch brings, a few at a time; bounded, and what does not fit is said and left to the reconciler. */
class Pump {
  readonly #url: string;
  readonly #say: (sentence: string) => void;
  readonly #queue: Notification[] = [];
  #underWay = 0;
  #lost = 0;

  constructor(url: string, say: (sentence: string) => void) {
    this.#url = url;
    this.#say = say;
  }

  push(notice: Notification): void {
    if (this.#queue.length >= queueMost) {
      this.#lost += 1;
      if (this.#lost === 1) this.#say(`Cannot keep up: more than ${queueMost} notifications wait; the reconciler repairs what is left out`);
      return;
    }
    this.#queue.push(notice);
    this.#run();
  }

  #run(): void {
    while (this.#underWay < atOnce) {
      const notice = this.#queue.shift();
      if (!notice) return;
      this.#underWay += 1;
      void sendNotification(this.#url, notice)
        .catch((error: unknown) => this.#say(String(error)))
        .finally(() => {
          this.#underWay -= 1;
          this.#run();
        });
    }
  }
}

const queueMost = 100_000;
const atOnce = 8;
