/** `knspan watch`: traces of a live cluster as they settle. */

import type { Observation } from '../cloudevent/observation.ts';
import { goDurationMicros } from '../cloudevent/time.ts';
import { filterOf, rulesOf, type ShowOptions } from './command-replay.ts';
import { passes } from './filter.ts';
import { InputError } from './input.ts';
import { follow } from './live.ts';
import { createOutput } from './output.ts';
import { Pipeline } from './pipeline.ts';

const everyMs = 1_000;
/** What happened shortly before the start is shown too. */
const lookBack = 10 * 60 * 1_000_000;

export async function watchCommand(options: ShowOptions & { readonly for?: string }): Promise<void> {
  const lasts = options.for === undefined ? null : goDurationMicros(options.for);
  if (options.for !== undefined && lasts === null)
    throw new InputError(`Cannot use --for: wanted a duration (30s, 5m), found '${options.for}'`);
  const rules = await rulesOf(options);
  if (!rules) return;
  const began = Date.now() * 1_000;
  const filter = filterOf({ ...options, since: options.since ?? '10m' }, began);
  const early: Observation[] = [];
  let pipeline: Pipeline | null = null;
  const say = (sentence: string) => options.quiet || process.stderr.write(`${sentence}\n`);
  const follower = await follow({
    since: filter.since ?? began - lookBack,
    namespace: options.namespace,
    onProblem: say,
    onEvent: (observation) => (pipeline ? pipeline.push(observation) : early.push(observation)),
  });
  pipeline = new Pipeline({ rules, objects: follower.objects, cluster: options.cluster, orphans: options.orphans, budget: options.budget });
  for (const observation of early) pipeline.push(observation);
  say(`Following the cluster: ${follower.objects.size} objects, ${early.length} recent events; traces appear when they have settled`);
  const output = await createOutput({ ...options, patient: true }, process.stdout, process.env);
  let undelivered = '';
  await untilStopped(lasts, async () => {
    for (const segment of pipeline.advance(follower.knownUntil())) if (passes(segment, filter)) await output.write(segment);
    const sentence = await output.flush();
    if (sentence !== undelivered) say(sentence);
    undelivered = sentence;
  });
  follower.stop();
  await output.close();
  say(`${pipeline.pending} occurrences are still unsettled`);
  if (undelivered !== '') process.exitCode = 3;
  // Watches that are being closed must not hold the process.
  setTimeout(() => process.exit(), 500).unref();
}

/** Calls `step` every second until the time is up or the user interrupts. */
async function untilStopped(lasts: number | null, step: () => Promise<void>): Promise<void> {
  let stopped = false;
  const stop = () => {
    stopped = true;
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const until = lasts === null ? Number.POSITIVE_INFINITY : Date.now() + lasts / 1_000;
  while (!stopped && Date.now() < until) {
    await step();
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  await step();
}
