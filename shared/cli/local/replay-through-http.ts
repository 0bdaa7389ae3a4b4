/**
 * `knspan replay --through serve`: sends the input as CloudEvents over HTTP through broker, correlators and store, on a clock that follows
 * the times of the events. The traces equal those of the direct replay.
 */
import { isJson, textField } from '../../events/json.ts';
import type { Micros } from '../../events/observation.ts';
import { ManualClock } from '../../process/clock.ts';
import { processEnvironment } from '../../process/settings.ts';
import type { Segment } from '../../spans/span.ts';
import { filterOf, readRules, setExitCode } from '../commands/option-values.ts';
import type { ReplayOptions } from '../commands/replay.ts';
import { InputCounts } from '../input/input-counts.ts';
import { InputError } from '../input/input-error.ts';
import { readInputs } from '../input/read-input.ts';
import { type Notification, sendAll } from '../live/apiserver-notifications.ts';
import { createOutput } from '../output/output.ts';
import { orphansKept, Selection } from '../output/selection.ts';
import type { LocalFunctions, LocalRun } from './local-run.ts';

/** Below the allowed lateness. */
const windowMs = 5_000;
const concurrency = 16;
/** Longer than any change stays open. */
const stepsAfter = [60_000, 16 * 60_000, 65 * 60_000];

export interface Timed extends Notification {
  readonly at: number;
}

export async function replayThroughHttp(functions: LocalFunctions, paths: readonly string[], options: ReplayOptions): Promise<void> {
  if (options.deliver) throw new InputError('Cannot use --deliver with --through: wanted one of them');
  const rules = await readRules(options);
  if (!rules) return;
  const { events, objects, counts } = await notificationsOf(paths, options.objects, options.now);
  if (events.length === 0 && !options.quiet) process.stderr.write(counts.summary('nothing sent'));
  counts.requireEvents();
  const newest = events.reduce((at, event) => Math.max(at, event.at), 0);
  const selection = new Selection(filterOf(options, newest * 1_000), options.orphans);
  const output = await createOutput(options, process.stdout, processEnvironment());
  const segments: Segment[] = [];
  const clock = new ManualClock(events[0]?.at ?? 0);
  const { startLocal } = await import('./local-pipeline.ts');
  const run = await startLocal(functions, {
    environment: environmentOf(options),
    clock,
    // Hides the warning that the in-memory store is volatile.
    logLevel: options.quiet || processEnvironment()['REDIS_URL'] === undefined ? 'error' : 'warn',
    log: (line) => process.stderr.write(line),
    port: 0,
    host: '127.0.0.1',
    correlators: options.correlators,
    rules,
    onSegment: async (segment) => {
      segments.push(segment);
    },
    exports: false,
    reconciles: false,
    beats: false,
    overlays: options.with,
  });
  try {
    await sendAll(run.url, objects, concurrency);
    await playAll(run, clock, events);
    await checkDone(run);
  } finally {
    await run.close();
  }
  segments.sort((a, b) => startOf(a) - startOf(b) || (a.traceId < b.traceId ? -1 : 1));
  for (const segment of segments) if (selection.takes(segment)) await output.write(segment);
  const undelivered = await output.close();
  if (!options.quiet) process.stderr.write(counts.summary(selection.summary));
  if (undelivered !== '') process.stderr.write(`${undelivered}\n`);
  setExitCode(options, { isUndelivered: undelivered !== '', failed: selection.failed, isIncomplete: counts.isIncomplete });
}

/** Sends a window of events at a time, each at its time; then advances the clock until every change has settled. */
export async function playAll(run: LocalRun, clock: ManualClock, events: readonly Timed[]): Promise<void> {
  for (let from = 0; from < events.length; ) {
    const begin = events[from]?.at ?? 0;
    let to = from;
    while (to < events.length && (events[to]?.at ?? 0) < begin + windowMs) to += 1;
    // First all earlier work: these events may be much later.
    await moveTo(clock, run, begin);
    await moveTo(clock, run, begin + windowMs);
    await sendAll(run.url, events.slice(from, to), concurrency);
    from = to;
  }
  for (const step of stepsAfter) await moveTo(clock, run, clock.now() + step);
}

async function checkDone(run: LocalRun): Promise<void> {
  const { inbox, undecided, outbox } = await run.figures();
  if (inbox + undecided + outbox > 0)
    throw new Error(
      `Cannot finish: wanted nothing pending, found ${inbox} in the inbox, ${undecided} undecided, ${outbox} segments unsent`,
    );
}

/** Waits for requests in flight: moving the clock would time them out. */
async function moveTo(clock: ManualClock, run: LocalRun, ms: number): Promise<void> {
  await run.delivered();
  await clock.set(Math.max(clock.now(), ms));
  await run.settle();
}

export async function notificationsOf(
  paths: readonly string[],
  objectPaths: readonly string[],
  now?: Micros,
): Promise<{ events: Timed[]; objects: Notification[]; counts: InputCounts }> {
  const events: Timed[] = [];
  const objects: Notification[] = [];
  const counts = new InputCounts();
  let isDump = false;
  for (const [from, takesEvents] of [[objectPaths, false] as const, [paths, true] as const]) {
    for await (const batch of readInputs(from, { stdin: process.stdin, now }))
      for (const item of batch) {
        if (item.type === 'object') {
          const { seenAt, gone } = item.version;
          objects.push({ change: gone ? 'delete' : 'add', at: seenAt === null ? null : Math.floor(seenAt / 1_000), object: item.raw });
        } else if (item.type === 'event' && takesEvents) {
          const { n, last } = item.observation;
          isDump ||= item.receivedAt === null;
          counts.events += 1;
          events.push({ change: n > 1 ? 'update' : 'add', at: Math.ceil(last.at / 1_000), object: asEvent(item.raw) });
        } else if (item.type !== 'event' && item.type !== 'write') counts.add(item);
      }
  }
  events.sort((a, b) => a.at - b.at);
  const newest = events.at(-1)?.at ?? 0;
  // A dump shows all times at once, and of a series its first and last occurrence together: as if it had arrived at its end.
  return { events: isDump ? events.map((event) => ({ ...event, at: newest })) : events, objects, counts };
}

/** Some dumps omit the kind of items; a source does not. */
function asEvent(raw: unknown): unknown {
  return isJson(raw) && textField(raw, 'kind') === '' ? { ...raw, kind: 'Event' } : raw;
}

function environmentOf({ cluster, orphans, budget, rootService }: ReplayOptions): Record<string, string> {
  const { REDIS_URL } = processEnvironment();
  return {
    ...(REDIS_URL === undefined ? {} : { REDIS_URL, KNSPAN_REDIS_PREFIX: `replay-${process.pid}:` }),
    ...(cluster === '' ? {} : { KNSPAN_CLUSTER: cluster }),
    KNSPAN_ORPHANS: orphansKept(orphans),
    KNSPAN_BUDGET: String(budget),
    KNSPAN_ROOT_SERVICE: rootService,
    KNSPAN_TICK_TIMEOUT: '5m',
  };
}

function startOf({ spans }: Segment): number {
  return spans[0]?.start ?? 0;
}
