/** From paths to Events and objects, with counts of what was read and what was not. What every command that reads input begins with. */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { builtInRules } from '../../correlation/rules/built-in/index.ts';
import { type CompiledRules, compileRules } from '../../correlation/rules/match.ts';
import type { Rule } from '../../correlation/rules/rule.ts';
import { parseUserRules, type RuleFault } from '../../correlation/rules/user-rules.ts';
import type { Micros, Observation } from '../../events/observation.ts';
import type { ObjectVersion } from '../../kubernetes/object.ts';
import { ObjectIndex } from '../../kubernetes/object-index.ts';
import { messageOf } from '../../process/log.ts';
import { AuditLog } from './audit-log.ts';
import { InputCounts } from './input-counts.ts';
import { InputError } from './input-error.ts';
import { type InputItem, readInputs } from './read-input.ts';
import { TableRows } from './table-rows.ts';

export interface Loaded {
  readonly observations: readonly Observation[];
  readonly objects: ObjectIndex;
  readonly counts: InputCounts;
  /** The time of the newest event. */
  readonly newest: Micros;
}

export interface LoadOptions {
  readonly objects: readonly string[];
  /** Where objects go; default: an index of their own. */
  readonly into?: ObjectIndex;
  /** Of each object too, in addition. */
  readonly onObject?: (version: ObjectVersion) => Promise<void>;
  readonly stdin: Readable;
  /** When tables of Events were printed; default: the date of their file. */
  readonly now?: Micros | undefined;
  readonly onProgress?: (items: number) => void;
  /** Takes each event instead of `observations`, so that a long input need not be held. */
  readonly onEvent?: (observation: Observation) => Promise<void> | void;
}

export async function load(paths: readonly string[], options: LoadOptions): Promise<Loaded> {
  const objects = options.into ?? new ObjectIndex();
  const observations: Observation[] = [];
  const counts = new InputCounts();
  const audit = new AuditLog();
  const rows = new TableRows();
  let newest: Micros = 0;
  const take = (observation: Observation): Promise<void> | void => {
    counts.events += 1;
    if (observation.last.at > newest) newest = observation.last.at;
    audit.see(observation.involved);
    if (options.onEvent) return options.onEvent(observation);
    observations.push(observation);
  };
  const takeItem = (item: InputItem, takesEvents: boolean): Promise<void> | void => {
    if (item.type === 'object') {
      objects.add(item.version);
      return options.onObject?.(item.version);
    }
    if (item.type === 'write') audit.add(item.write);
    else if (item.type !== 'event') counts.add(item);
    else if (!takesEvents) return;
    else if (item.isRow) rows.add(item.observation);
    else {
      rows.see(item.observation);
      return take(item.observation);
    }
  };
  for (const [from, takesEvents] of [[options.objects, false] as const, [paths, true] as const])
    for await (const batch of readInputs(from, options))
      for (const item of batch) {
        const taken = takeItem(item, takesEvents);
        if (taken) await taken;
      }
  for (const row of rows.used()) {
    counts.rows += 1;
    await take(row);
  }
  counts.repeatedRows = rows.repeated;
  audit.applyTo(objects);
  return { observations, objects, counts, newest };
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
