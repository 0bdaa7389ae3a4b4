/** `knspan replay --ui`: a dump in the web page, from a history in a temporary folder that is gone with the process. */
import { meaningOf } from '../../correlation/rules/match.ts';
import type { Micros, Observation } from '../../events/observation.ts';
import { openDatabase } from '../../history/open.ts';
import { timeText } from '../../history/time.ts';
import { ObjectIndex } from '../../kubernetes/object-index.ts';
import { systemClock } from '../../process/clock.ts';
import { Log } from '../../process/log.ts';
import { Metrics } from '../../process/metrics.ts';
import { processEnvironment, Settings } from '../../process/settings.ts';
import type { Segment } from '../../spans/span.ts';
import { load } from '../input/load-input.ts';
import { TimeOrdered } from '../input/time-ordered.ts';
import { HistoryFeed } from '../local/history-feed.ts';
import type { LocalFunctions } from '../local/local-run.ts';
import { openBrowser } from '../output/browser.ts';
import { Progress } from '../output/progress.ts';
import { Selection } from '../output/selection.ts';
import { Pipeline } from '../pipeline.ts';
import { filterOf, pipelineOptionsOf, readRules } from './option-values.ts';
import type { ReplayOptions } from './replay.ts';

export interface PageOptions {
  /** In the web page instead of the terminal. */
  readonly ui?: boolean;
  /** Of the page; 0: any free one. */
  readonly port: number;
  /** In the browser. */
  readonly open: boolean;
}

const graceMs = 5_000;
const minuteMicros = 60_000_000;
/** Of a dump that does not say it; an address needs a name. */
const clusterUnnamed = 'dump';

export async function replayInPage(
  functions: LocalFunctions,
  paths: readonly string[],
  options: ReplayOptions & PageOptions,
): Promise<void> {
  const rules = await readRules(options);
  if (!rules) return;
  const cluster = options.cluster || clusterUnnamed;
  const log = new Log({ function: 'replay', level: 'warn' });
  const opened = await openDatabase({ kind: 'temporary' }, { name: 'knspan replay', log });
  try {
    const feed = new HistoryFeed(opened);
    const objects = new ObjectIndex();
    const pipeline = new Pipeline({ rules, objects, ...pipelineOptionsOf(options), cluster });
    const ordered = new TimeOrdered(pipeline);
    const progress = new Progress(process.stderr, Date.now);
    const range = new SeenRange();
    const clock = systemClock();
    const loaded = await load(paths, {
      objects: options.objects,
      into: objects,
      stdin: process.stdin,
      now: options.now,
      ...(options.quiet ? {} : { onProgress: (items: number) => progress.at(items) }),
      onObject: (version) => feed.push({ kind: 'object', cluster, version, seenAt: version.seenAt ?? clock.now() * 1_000 }),
      onEvent: async (observation: Observation) => {
        range.add(observation.last.at);
        await feed.push({ kind: 'event', cluster, observation, meaning: meaningOf(rules, observation) });
        await ordered.push(observation);
      },
    });
    progress.end();
    loaded.counts.requireEvents();
    const selection = new Selection(filterOf(options, loaded.newest), options.orphans);
    for await (const segments of ordered.finish())
      for (const segment of segments) if (selection.takes(segment)) await feed.push(segmentItem(segment));
    await feed.finish();
    if (!options.quiet) process.stderr.write(loaded.counts.summary(selection.summary));
    const page = await functions.startExplorer(
      {
        settings: new Settings({ ...processEnvironment(), PORT: String(options.port) }),
        log,
        metrics: new Metrics(),
        clock,
      },
      { opened },
    );
    const stopped = new Promise<void>((resolve) => {
      process.once('SIGINT', resolve).once('SIGTERM', resolve);
    });
    const url = `http://localhost:${new URL(page.url).port}/changes?${range.query}`;
    process.stderr.write(`Page at ${url}\nCtrl-C ends it\n`);
    if (options.open) openBrowser(url);
    await stopped;
    await page.close(graceMs);
  } finally {
    await opened.close(graceMs);
  }
  process.exit();
}

function segmentItem(segment: Segment) {
  return { kind: 'segment', cluster: segment.cluster, segment } as const;
}

/** The range of time that a dump is about. */
class SeenRange {
  #from: Micros = Number.POSITIVE_INFINITY;
  #to: Micros = Number.NEGATIVE_INFINITY;

  add(at: Micros): void {
    this.#from = Math.min(this.#from, at);
    this.#to = Math.max(this.#to, at);
  }

  /** A little more than it, in whole minutes. */
  get query(): string {
    const minute = (at: Micros, more: number) => timeText((Math.floor(at / minuteMicros) + more) * minuteMicros);
    return new URLSearchParams({ from: minute(this.#from, -1), to: minute(this.#to, 5) }).toString();
  }
}
