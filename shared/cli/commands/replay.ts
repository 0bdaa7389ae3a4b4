/** `knspan replay` and `knspan demo`: Events from files to traces. */
import { fileURLToPath } from 'node:url';
import { defaultConfig } from '../../correlation/config.ts';
import type { Observation } from '../../events/observation.ts';
import { ObjectIndex } from '../../kubernetes/object-index.ts';
import type { Segment } from '../../spans/span.ts';
import { type Counts, load, loadRules } from '../input/load-input.ts';
import { InputError } from '../input/read-input.ts';
import { TimeOrdered } from '../input/time-ordered.ts';
import { createOutput, type OutputOptions } from '../output/output.ts';
import { Progress } from '../output/progress.ts';
import { clean, counted } from '../output/terminal.ts';
import { type Filter, sinceOf } from '../output/trace-filter.ts';
import { type Orphans, orphansKept, Selection } from '../output/trace-selection.ts';
import { Pipeline } from '../pipeline.ts';
import { type Delivery, deliver } from '../simulated-delivery.ts';

export interface SharedOptions {
  /** Where input is read. */
  readonly objects?: readonly string[];
  readonly rules: readonly string[];
  readonly lenient: boolean;
  readonly cluster: string;
  readonly namespace?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly failed: boolean;
  readonly since?: string;
}

export interface ShowOptions extends SharedOptions, OutputOptions {
  readonly orphans: Orphans;
  readonly budget: number;
  /** `service.name` of root spans. */
  readonly rootService: string;
  readonly quiet: boolean;
  readonly exitCode: boolean;
}

export interface ReplayOptions extends ShowOptions {
  readonly deliver?: Delivery;
  readonly through?: 'serve';
  readonly correlators: number;
  /** With `through`. */
  readonly with: readonly string[];
}

export async function replayCommand(paths: string[], options: ReplayOptions): Promise<void> {
  const rules = await rulesOf(options);
  if (!rules) return;
  const output = await createOutput(options, process.stdout, process.env);
  const objects = new ObjectIndex();
  const pipeline = new Pipeline({ rules, objects, ...pipelineOptions(options) });
  const progress = new Progress(process.stderr, Date.now);
  const onProgress = options.quiet ? {} : { onProgress: (items: number) => progress.at(items) };
  const input = { objects: options.objects ?? [], into: objects, stdin: process.stdin, ...onProgress };
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
  if (!options.quiet) process.stderr.write(summaryOf(loaded.counts, selection));
  requireEvents(loaded.counts);
  if (undelivered !== '') process.stderr.write(`${undelivered}\n`);
  setExitCode(options, { undelivered: undelivered !== '', failed: selection.failed });
}

/** What `replay` and `watch` tell the pipeline alike. */
export function pipelineOptions({ cluster, orphans, budget, rootService }: ShowOptions) {
  return { cluster, orphans: orphansKept(orphans), budget, rootService };
}

export function setExitCode({ exitCode }: ShowOptions, { undelivered, failed }: { undelivered: boolean; failed: number }): void {
  if (undelivered) process.exitCode = 3;
  else if (exitCode && failed > 0) process.exitCode = 1;
}

/** Says the faults and sets the exit code when the rules can't be used. */
export async function rulesOf(options: SharedOptions) {
  const loaded = await loadRules(options.rules, options.lenient);
  for (const fault of loaded.faults) process.stderr.write(`${fault.message}\n`);
  if (loaded.ok) return loaded.rules;
  process.stderr.write('Cannot use the rules: they have faults, --lenient uses the good ones\n');
  process.exitCode = 2;
  return null;
}

export function filterOf(options: SharedOptions, newest: number): Filter {
  const since = options.since === undefined ? undefined : sinceOf(options.since, newest);
  if (since === null)
    throw new InputError(`Cannot use --since: wanted a duration (2h, 30m) or a time (RFC 3339), found '${options.since}'`);
  return {
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    ...(options.kind === undefined ? {} : { kind: options.kind }),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(since === undefined ? {} : { since }),
    failed: options.failed,
  };
}

/** Input of which nothing is an Event is a fault, save a list that is empty. */
export function requireEvents({ events, skipped }: Pick<Counts, 'events' | 'skipped'>): void {
  if (events > 0 || skipped.length === 0) return;
  throw new InputError("Cannot find an Event in the input: wanted what 'kubectl get events -A -o json' gives, or a folder of such files");
}

function summaryOf(counts: Counts, selection: Selection): string {
  const lines = [`${counted(counts.events, 'event')} read; ${selection.summary}`];
  if (counts.skipped.length > 0)
    lines.push(
      `${counted(counts.skipped.length + counts.skippedMore, 'item')} skipped:`,
      ...counts.skipped.map((reason) => `  ${clean(reason)}`),
    );
  if (counts.skippedMore > 0) lines.push(`  and ${counts.skippedMore} more`);
  return `${lines.join('\n')}\n`;
}

const demoFolder = fileURLToPath(new URL('../../../test/replay/captures/deployment-rollout/', import.meta.url));

export async function demoCommand(): Promise<void> {
  const defaults = {
    rules: [],
    lenient: false,
    cluster: 'demo',
    failed: false,
    view: 'tree',
    why: false,
    orphans: 'digest',
    budget: defaultConfig.budget,
    rootService: defaultConfig.rootService,
    quiet: false,
    exitCode: false,
    correlators: 1,
    with: [],
  } as const;
  process.stdout.write('A Deployment of 4 replicas on a real cluster: made, given another image, rolled back.\n\n');
  await replayCommand([`${demoFolder}watch.jsonl`], { ...defaults, objects: [`${demoFolder}objects-watch.jsonl`] });
  process.stdout.write(`
What to try next:
  kubectl get events -A -o json | npx knspan replay - --failed      what failed in your cluster within the last hour
  npx knspan find deployment/NAME -n NAMESPACE --last --view tree   the last change of a Deployment
  npx knspan watch --failed                                         follow it live: what fails, as it settles
  npx knspan replay test/replay/captures/crashloop --why            a crash loop, and why each span hangs where it does
  npx knspan replay FILE --otlp http://localhost:4318               send the traces to Jaeger or any OpenTelemetry backend
`);
}
