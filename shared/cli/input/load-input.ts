/** From paths to a filled pipeline: rules, objects first, then events. What every command that reads input begins with. */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { builtInRules } from '../../correlation/rules/built-in/index.ts';
import { type CompiledRules, compileRules } from '../../correlation/rules/match.ts';
import type { Rule } from '../../correlation/rules/rule.ts';
import { parseUserRules, type RuleFault } from '../../correlation/rules/user-rules.ts';
import type { Micros, Observation } from '../../events/observation.ts';
import { counted } from '../../events/quantity.ts';
import type { ObjectVersion } from '../../kubernetes/object.ts';
import { ObjectIndex } from '../../kubernetes/object-index.ts';
import { messageOf } from '../../process/log.ts';
import { clean } from '../output/terminal.ts';
import { InputError, readInputs } from './read-input.ts';

export interface Loaded {
  readonly observations: readonly Observation[];
  readonly objects: ObjectIndex;
  readonly counts: Counts;
  /** The time of the newest event. */
  readonly newest: Micros;
}

export interface Counts {
  events: number;
  expired: number;
  skipped: string[];
  skippedMore: number;
}

export function emptyCounts(): Counts {
  return { events: 0, expired: 0, skipped: [], skippedMore: 0 };
}

const skippedListed = 5;

export interface LoadOptions {
  readonly objects: readonly string[];
  /** Where objects go; default: an index of their own. */
  readonly into?: ObjectIndex;
  /** Of each object too, in addition. */
  readonly onObject?: (version: ObjectVersion) => Promise<void>;
  readonly stdin: Readable;
  readonly onProgress?: (items: number) => void;
  /** Takes each event instead of `observations`, so that a long input need not be held. */
  readonly onEvent?: (observation: Observation) => Promise<void> | void;
}

export async function load(paths: readonly string[], options: LoadOptions): Promise<Loaded> {
  const objects = options.into ?? new ObjectIndex();
  const observations: Observation[] = [];
  const counts = emptyCounts();
  let newest: Micros = 0;
  const input = { stdin: options.stdin, ...(options.onProgress ? { onProgress: options.onProgress } : {}) };
  for (const [from, takesEvents] of [[options.objects, false] as const, [paths, true] as const]) {
    for await (const item of readInputs(from, input)) {
      if (item.type === 'object') {
        objects.add(item.version);
        await options.onObject?.(item.version);
      } else if (item.type === 'expired') counts.expired += 1;
      else if (item.type === 'skipped') {
        if (counts.skipped.length < skippedListed) counts.skipped.push(item.reason);
        else counts.skippedMore += 1;
      } else if (takesEvents) {
        counts.events += 1;
        newest = Math.max(newest, item.observation.last.at);
        if (options.onEvent) await options.onEvent(item.observation);
        else observations.push(item.observation);
      }
    }
  }
  return { observations, objects, counts, newest };
}

/** Input without any Event is a fault, unless all its lists are empty. */
export function requireEvents({ events, skipped }: Pick<Counts, 'events' | 'skipped'>): void {
  if (events > 0 || skipped.length === 0) return;
  throw new InputError("Cannot find an Event in the input: wanted what 'kubectl get events -A -o json' gives, or a folder of such files");
}

/** What was read, what was shown, what was skipped; ends with a line feed. */
export function summaryOf(counts: Counts, shown: string): string {
  const lines = [`${counted(counts.events, 'event')} read; ${shown}`];
  if (counts.skipped.length > 0)
    lines.push(
      `${counted(counts.skipped.length + counts.skippedMore, 'item')} skipped:`,
      ...counts.skipped.map((reason) => `  ${clean(reason)}`),
    );
  if (counts.skippedMore > 0) lines.push(`  and ${counts.skippedMore} more`);
  return `${lines.join('\n')}\n`;
}

export type RulesLoaded =
  | { readonly ok: true; readonly rules: CompiledRules; readonly faults: readonly RuleFault[] }
  | { readonly ok: false; readonly faults: readonly RuleFault[] };

/** Built-in rules and the users' files. A file with a fault is refused whole unless `lenient`. */
export async function loadRules(files: readonly string[], lenient: boolean): Promise<RulesLoaded> {
  const extra: Rule[] = [];
  const faults: RuleFault[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw new InputError(`Cannot read rules '${file}': ${messageOf(error)}`);
    });
    const parsed = parseUserRules(text, file);
    extra.push(...parsed.rules);
    faults.push(...parsed.faults);
  }
  if (faults.length > 0 && !lenient) return { ok: false, faults };
  return { ok: true, rules: compileRules(builtInRules, extra), faults };
}
