/** `knspan replay` and `knspan demo`: Events from files to traces. */
import { fileURLToPath } from 'node:url';
import type { Observation } from '../cloudevent/observation.ts';
import { ObjectIndex } from '../objects/index.ts';
import type { Segment } from '../spans/span.ts';
import { type Delivery, deliver } from './deliver.ts';
import { type Counts, load, loadRules } from './engine.ts';
import { type Filter, passes, sinceOf } from './filter.ts';
import { InputError } from './input.ts';
import { createOutput, type OutputOptions } from './output.ts';
import { Pipeline } from './pipeline.ts';
import { clean } from './terminal.ts';
import { TimeOrdered } from './time-ordered.ts';

export interface SharedOptions {
  readonly objects: readonly string[];
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
  readonly orphans: 'digest' | 'each' | 'drop';
  readonly budget: number;
  readonly quiet: boolean;
  readonly exitCode: boolean;
}

const progressAfterMs = 2_000;

export async function replayCommand(paths: string[], options: ShowOptions & { readonly deliver?: Delivery }): Promise<void> {
  const rules = await rulesOf(options);
  if (!rules) return;
  const began = Date.now();
  const onProgress = (items: number) => {
    if (!options.quiet && Date.now() - began > progressAfterMs) process.stderr.write(`\r${items.toLocaleString('en')} items read`);
  };
  const output = await createOutput(options, process.stdout, process.env);
  const shown: Shown = { all: 0, traces: 0, failed: 0, spans: 0 };
  const show = async (segments: readonly Segment[], filter: Filter) => {
    shown.all += segments.length;
    for (const segment of segments.filter((one) => passes(one, filter))) {
      shown.traces += 1;
      shown.failed += segment.severity === 'error' ? 1 : 0;
      shown.spans += segment.spans.length;
      await output.write(segment);
    }
  };
  const objects = new ObjectIndex();
  const pipeline = new Pipeline({ rules, objects, cluster: options.cluster, orphans: options.orphans, budget: options.budget });
  const input = { objects: options.objects, into: objects, stdin: process.stdin, onProgress };
  const ordered = options.deliver ? null : new TimeOrdered(pipeline);
  const loaded = await load(paths, ordered ? { ...input, onEvent: (observation: Observation) => ordered.push(observation) } : input);
  if (!options.quiet && Date.now() - began > progressAfterMs) process.stderr.write('\r');
  const filter = filterOf(options, loaded.newest);
  if (options.deliver) await show(deliver(pipeline, loaded.observations, options.deliver), filter);
  else if (ordered) for await (const settled of ordered.finish()) await show(settled, filter);
  const undelivered = await output.close();
  if (!options.quiet) process.stderr.write(summaryOf(loaded.counts, shown));
  if (undelivered !== '') {
    process.stderr.write(`${undelivered}\n`);
    process.exitCode = 3;
  } else if (options.exitCode && shown.failed > 0) process.exitCode = 1;
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

interface Shown {
  all: number;
  traces: number;
  failed: number;
  spans: number;
}

function summaryOf(counts: Counts, shown: Shown): string {
  const more = shown.all > shown.traces ? ` of ${shown.all}` : '';
  const lines = [`${counts.events} events read; ${shown.traces}${more} traces shown, ${shown.failed} failed, ${shown.spans} spans`];
  if (counts.skipped.length > 0)
    lines.push(`${counts.skipped.length + counts.skippedMore} items skipped:`, ...counts.skipped.map((reason) => `  ${clean(reason)}`));
  if (counts.skippedMore > 0) lines.push(`  and ${counts.skippedMore} more`);
  return `${lines.join('\n')}\n`;
}

const demoFolder = fileURLToPath(new URL('../../test/replay/captures/deployment-rollout/', import.meta.url));

export async function demoCommand(): Promise<void> {
  const defaults = {
    rules: [],
    lenient: false,
    cluster: 'demo',
    failed: false,
    view: 'tree',
    why: false,
    orphans: 'digest',
    budget: 1_000,
    quiet: false,
    exitCode: false,
  } as const;
  process.stdout.write('A Deployment of 4 replicas on a real cluster: made, given another image, rolled back.\n\n');
  await replayCommand([`${demoFolder}watch.jsonl`], { ...defaults, objects: [`${demoFolder}objects-watch.jsonl`] });
  process.stdout.write(`
What to try next:
  kubectl get events -A -o json | npx knspan replay -          the last hour of your cluster
  npx knspan watch                                             follow it live
  npx knspan replay test/replay/captures/crashloop --why       a crash loop, and why each span hangs where it does
  npx knspan replay FILE --otlp http://localhost:4318          send the traces to Jaeger or any OpenTelemetry backend
`);
}
