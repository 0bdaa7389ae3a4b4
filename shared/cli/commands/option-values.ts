/** What the shared flags are parsed to, and what they mean: rules, filter, pipeline, exit code. */
import type { CompiledRules } from '../../correlation/rules/match.ts';
import type { Micros } from '../../events/observation.ts';
import { InputError } from '../input/input-error.ts';
import { loadRules } from '../input/load-input.ts';
import type { OutputOptions } from '../output/output.ts';
import { type Filter, type Orphans, orphansKept, sinceOf } from '../output/selection.ts';

export interface RuleOptions {
  readonly rules: readonly string[];
  readonly lenient: boolean;
  readonly cluster: string;
}

export interface InputOptions {
  readonly objects: readonly string[];
  readonly now?: Micros;
}

export interface FilterOptions {
  readonly namespace?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly failed: boolean;
  readonly since?: string;
}

export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

export interface ShowOptions extends RuleOptions, FilterOptions, OutputOptions {
  readonly orphans: Orphans;
  readonly budget: number;
  /** `service.name` of root spans. */
  readonly rootService: string;
  readonly quiet: boolean;
  readonly exitCode: boolean;
}

/** What `replay` and `watch` alike pass to the pipeline. */
export function pipelineOptionsOf({ cluster, orphans, budget, rootService }: ShowOptions) {
  return { cluster, orphans: orphansKept(orphans), budget, rootService };
}

/** The compiled rules; null when they are refused: the faults are printed and the exit code is set. */
export async function readRules(options: RuleOptions): Promise<CompiledRules | null> {
  const loaded = await loadRules(options.rules, options.lenient);
  for (const fault of loaded.faults) process.stderr.write(`${fault.message}\n`);
  if (loaded.ok) return loaded.rules;
  process.stderr.write('Cannot use the rules: they have faults, --lenient skips these\n');
  process.exitCode = 1;
  return null;
}

/** `newest`: the time that durations count back from. Throws `InputError` for a `since` that cannot be read. */
export function filterOf(options: FilterOptions, newest: Micros): Filter {
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

export interface Findings {
  readonly failed: number;
  readonly isUndelivered: boolean;
  /** Input that looked like Events was left out. */
  readonly isIncomplete?: boolean;
}

export function setExitCode({ exitCode }: Pick<ShowOptions, 'exitCode'>, { failed, isUndelivered, isIncomplete = false }: Findings): void {
  if (isUndelivered) process.exitCode = 3;
  else if (exitCode && failed > 0) process.exitCode = 1;
  else if (isIncomplete) process.exitCode = 4;
}
