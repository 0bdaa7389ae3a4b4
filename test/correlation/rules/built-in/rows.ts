/**
 * Reads the tables beside this file (`*.txt`): what each kind of Event must mean, with messages as controllers write them.
 *
 *   <rule id>: <class> [<verb>] [pair=..,..] [phase=..] [begins=..] [home=..] [waitsFor=..] [firstSign] [expectsEnd] [ends] [fails] ..
 *     <reporter> | <apiVersion> <kind> | [!]<reason> | <message>         (`!`: a Warning; `-`: empty; `\n`: a new line)
 *     -> <subject kind> [<namespace>/]<name> | <group>=<value> | ..      (`-`: no subject; the line may be missing;
 *                                                                        `+ <verb> <kind> ..`: what a further line reports)
 *
 * The involved object is `thing` in namespace `shop`, without a namespace where its kind has none.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Meaning, Subject } from '../../../../shared/correlation/rules/rule.ts';
import type { Observation } from '../../../../shared/events/observation.ts';
import { observation } from '../../../helpers/observation.ts';

export interface Row {
  readonly place: string;
  readonly rule: string;
  readonly observed: Observation;
  /** The row's text as `textOf` writes it. */
  readonly wanted: string;
}

/** The rows of each table, by the table's name. */
export function readTables(): ReadonlyMap<string, readonly Row[]> {
  const names = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.txt'));
  return new Map(names.map((name) => [name.slice(0, -'.txt'.length), readRows(name)]));
}

const flags = ['firstSign', 'expectsEnd', 'ends', 'fails', 'recurs', 'probe', 'heals', 'remark', 'warns'] as const;

/** A meaning in the words of a table. */
export function textOf(meaning: Meaning): string {
  const { subject, groups } = meaning;
  const words = [
    meaning.class,
    meaning.verb,
    labelled('pair', meaning.pairs.join(',')),
    labelled('phase', meaning.phase),
    labelled('begins', meaning.begins),
    labelled('home', meaning.home),
    labelled('waitsFor', meaning.waitsFor),
    ...flags.map((flag) => (meaning[flag] ? flag : '')),
  ];
  const head = `${meaning.rule}: ${words.filter((word) => word !== '').join(' ')}`;
  const values = [
    ...Object.entries(groups).map(([group, value]) => ` | ${group}=${value}`),
    ...meaning.others.map((other) => ` | + ${other.verb} ${nameOf(other.subject)}`),
  ];
  return subject === null && values.length === 0 ? head : `${head}\n  -> ${subject === null ? '-' : nameOf(subject)}${values.join('')}`;
}

function nameOf({ kind, namespace, name }: Subject): string {
  return `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
}

const clusterScoped: readonly string[] = ['Namespace', 'Node', 'NodeClaim', 'PersistentVolume'];

function readRows(name: string): readonly Row[] {
  const text = readFileSync(new URL(name, import.meta.url), 'utf8');
  const rows: Row[] = [];
  const lines = text.split('\n');
  for (const [i, line] of lines.entries()) {
    if (line === '' || line.startsWith('  ')) continue;
    const effect = lines[i + 2]?.startsWith('  -> ') === true ? `\n${lines[i + 2]}` : '';
    const place = `${name} line ${i + 1}`;
    rows.push({ place, rule: line.slice(0, line.indexOf(':')), observed: readEvent(lines[i + 1] ?? '', place), wanted: line + effect });
  }
  return rows;
}

function readEvent(line: string, place: string): Observation {
  const match = /^ {2}(\S+(?: \S+)*) \| (\S+)(?: (\S+))? \| (!?)([^|]+) \| (.*)$/u.exec(line);
  if (match === null)
    throw new Error(`Cannot read ${place}: the Event is '${line}', wanted '  reporter | apiVersion kind | reason | message'`);
  const [, reporter = '', first = '', second, warning, reason = '', message = ''] = match;
  const kind = read(second ?? first);
  const apiVersion = second === undefined ? '' : first;
  return observation({
    reporter: read(reporter),
    type: warning === '!' ? 'Warning' : 'Normal',
    reason: read(reason),
    message: message.replaceAll('\\n', '\n'),
    involved: { apiVersion, kind, namespace: clusterScoped.includes(kind) ? '' : 'shop', name: 'thing' },
  });
}

function read(text: string): string {
  return text === '-' ? '' : text;
}

function labelled(name: string, value: string): string {
  return value === '' ? '' : `${name}=${value}`;
}
