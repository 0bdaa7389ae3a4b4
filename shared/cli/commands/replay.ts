/** `knspan replay`: the traces of Events from files. */
import type { Observation } from '../../events/observation.ts';
import { counted } from '../../events/quantity.ts';
import { ObjectIndex } from '../../kubernetes/object-index.ts';
import { defaultRuntimeBudget } from '../../runtime-spans/budget.ts';
import type { Segment } from '../../spans/span.ts';
import { load } from '../input/load-input.ts';
import { TimeOrdered } from '../input/time-ordered.ts';
import { createOutput } from '../output/output.ts';
import { Progress } from '../output/progress.ts';
import { Selection } from '../output/selection.ts';
import { clean } from '../output/terminal.ts';
import { Pipeline } from '../pipeline.ts';
import { type Delivery, deliver } from '../simulated-delivery.ts';
import { filterOf, type InputOptions, pipelineOptionsOf, readRules, type ShowOptions, setExitCode } from './option-values.ts';

export interface ReplayOptions extends ShowOptions, InputOptions {
  readonly deliver?: Delivery;
  readonly through?: 'serve';
  readonly correlators: number;
  /** With `through`. */
  readonly with: readonly string[];
  /** Files of runtime spans. */
  readonly spans?: readonly string[];
  /** Per trace; 0: no limit. */
  readonly runtimeBudget?: number;
}

export async function replayCommand(paths: readonly string[], options: ReplayOptions): Promise<void> {
  const rules = await readRules(options);
  if (!rules) return;
  const output = await createOutput(options, process.stdout, process.env);
  const objects = new ObjectIndex();
  const pipeline = new Pipeline({ rules, objects, ...pipelineOptionsOf(options) });
  const progress = new Progress(process.stderr, Date.now);
  const onProgress = options.quiet ? {} : { onProgress: (items: number) => progress.at(items) };
  const input = { objects: options.objects, into: objects, stdin: process.stdin, now: options.now, ...onProgress };
  const ordered = options.deliver ? null : new TimeOrdered(pipeline);
  const loaded = await load(paths, ordered ? { ...input, onEvent: (observation: Observation) => ordered.push(observation) } : input);
  progress.end();
  const selection = new Selection(filterOf(options, loaded.newest), options.orphans);
  const show = async (segments: readonly Segment[]) => {
    for (const segment of segments) if (selection.takes(segment)) await output.write(segment);
  };
  const settled = options.deliver ? [deliver(pipeline, loaded.observations, options.deliver)] : (ordered?.finish() ?? []);
  const joined = options.spans?.length ? await joinAll(settled, options.spans, options) : null;
  if (joined === null) for await (const segments of settled) await show(segments);
  else for (const one of joined.segments) if (selection.takes(one.segment)) await output.write(one.joined);
  const undelivered = await output.close();
  if (!options.quiet) process.stderr.write(loaded.counts.summary(selection.summary));
  if (!options.quiet && joined !== null) process.stderr.write(joined.summary);
  loaded.counts.requireEvents();
  if (undelivered !== '') process.stderr.write(`${undelivered}\n`);
  setExitCode(options, { isUndelivered: undelivered !== '', failed: selection.failed, isIncomplete: loaded.counts.isIncomplete });
}

/** Runtime spans may belong to any of the traces, so that all must be there before the first is shown. */
async function joinAll(
  settled: AsyncIterable<readonly Segment[]> | Iterable<readonly Segment[]>,
  files: readonly string[],
  { runtimeBudget = defaultRuntimeBudget, runtime, format }: ReplayOptions,
) {
  const { readSpans } = await import('../input/read-spans.ts');
  const { withRuntimeSpans } = await import('../runtime-join.ts');
  const { traces, read, skipped } = await readSpans(files);
  const all: Segment[] = [];
  for await (const segments of settled) all.push(...segments);
  const segments = withRuntimeSpans(all, traces, runtimeBudget);
  const placed = segments.reduce((sum, { segment, joined }) => sum + joined.spans.length - segment.spans.length, 0);
  const hint = runtime || format !== undefined ? '' : '; --runtime shows them';
  const lines = [`${counted(read, 'runtime span')} read, ${placed} placed${hint}`, ...skipped.map(clean)];
  return { segments, summary: `${lines.join('\n')}\n` };
}
