/** `knspan replay`: the traces of Events from files. */
import type { Observation } from '../../events/observation.ts';
import { ObjectIndex } from '../../kubernetes/object-index.ts';
import type { Segment } from '../../spans/span.ts';
import { load, requireEvents, summaryOf } from '../input/load-input.ts';
import { TimeOrdered } from '../input/time-ordered.ts';
import { createOutput } from '../output/output.ts';
import { Progress } from '../output/progress.ts';
import { Selection } from '../output/selection.ts';
import { Pipeline } from '../pipeline.ts';
import { type Delivery, deliver } from '../simulated-delivery.ts';
import { filterOf, type InputOptions, pipelineOptionsOf, readRules, type ShowOptions, setExitCode } from './option-values.ts';

export interface ReplayOptions extends ShowOptions, InputOptions {
  readonly deliver?: Delivery;
  readonly through?: 'serve';
  readonly correlators: number;
  /** With `through`. */
  readonly with: readonly string[];
}

export async function replayCommand(paths: readonly string[], options: ReplayOptions): Promise<void> {
  const rules = await readRules(options);
  if (!rules) return;
  const output = await createOutput(options, process.stdout, process.env);
  const objects = new ObjectIndex();
  const pipeline = new Pipeline({ rules, objects, ...pipelineOptionsOf(options) });
  const progress = new Progress(process.stderr, Date.now);
  const onProgress = options.quiet ? {} : { onProgress: (items: number) => progress.at(items) };
  const input = { objects: options.objects, into: objects, stdin: process.stdin, ...onProgress };
  const ordered = options.deliver ? null : new TimeOrdered(pipeline);
  const loaded = await load(paths, ordered ? { ...input, onEvent: (observation: Observation) => ordered.push(observation) } : input);
  progress.end();
  const selection = new Selection(filterOf(options, loaded.newest), options.orphans);
  const show = async (segments: readonly Segment[]) => {
    for (const segment of segments) if (selection.takes(segment)) await output.write(segment);
  };
  if (options.deliver) await show(deliver(pipeline, loaded.observations, options.deliver));
  else if (ordered) for await (const settled of ordered.finish()) await show(settled);
  const undelivered = await output.close();
  if (!options.quiet) process.stderr.write(summaryOf(loaded.counts, selection.summary));
  requireEvents(loaded.counts);
  if (undelivered !== '') process.stderr.write(`${undelivered}\n`);
  setExitCode(options, { isUndelivered: undelivered !== '', failed: selection.failed });
}
