/**
 * Candidates for the last word of a command line: commands, options, their values, objects of the cluster. Everything but names in the
 * cluster comes from commander's definition of the commands.
 */
import type { Argument, Command, Option } from 'commander';
import { clusterNames } from './cluster-names.ts';

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** The shell offers files when there are no candidates. */
  readonly files: boolean;
  /** Nothing follows the candidate directly: the shell adds a blank. */
  readonly isWhole: boolean;
}

export interface Candidate {
  readonly text: string;
  readonly description: string;
}

/** The words behind the program's name; the last one, which may be empty, is completed. */
export async function complete(program: Command, words: readonly string[], names = clusterNames): Promise<Completion> {
  const merged = mergeSplitWords(words);
  const typed = merged.at(-1) ?? '';
  const state = readWords(program, merged.slice(0, -1));
  const completion = await candidatesFor(state, typed, names);
  return { ...completion, candidates: completion.candidates.filter(({ text }) => text.startsWith(typed)) };
}

/** The lines for the shell, as cobra prints them: `candidate<tab>description`, and last `:` with flags (2: no blank, 4: no files). */
export function completionLines({ candidates, files, isWhole }: Completion): string {
  const lines = candidates.map(({ text, description }) => (description === '' ? text : `${text}\t${description}`));
  return `${[...lines, `:${(isWhole ? 0 : 2) + (files ? 0 : 4)}`].join('\n')}\n`;
}

/** bash splits words at `=` and `:`, so that `--view=list` arrives as three. */
function mergeSplitWords(words: readonly string[]): string[] {
  const merged: string[] = [];
  let joins = false;
  for (const word of words) {
    const isBreak = word === '=' || word === ':';
    if ((joins || isBreak) && merged.length > 0) merged.push(`${merged.pop()}${word}`);
    else merged.push(word);
    joins = isBreak;
  }
  return merged;
}

interface State {
  readonly command: Command;
  /** The option whose value comes next. */
  readonly pending: Option | null;
  readonly positionals: readonly string[];
  readonly values: ReadonlyMap<string, string>;
}

function readWords(program: Command, words: readonly string[]): State {
  let command = program;
  let pending: Option | null = null;
  const positionals: string[] = [];
  const values = new Map<string, string>();
  for (const word of words) {
    if (pending !== null) {
      values.set(pending.attributeName(), word);
      pending = null;
      continue;
    }
    const found = word.startsWith('-') ? optionOf(command, word) : undefined;
    if (found) {
      const [, value] = word.split(/=(.*)/s);
      if (takesValue(found) && value === undefined) pending = found;
      else values.set(found.attributeName(), value ?? '');
    } else if (!word.startsWith('-')) {
      const sub: Command | undefined = positionals.length === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      if (sub) command = sub;
      else positionals.push(word);
    }
  }
  return { command, pending, positionals, values };
}

function optionOf(command: Command, word: string): Option | undefined {
  const flag = word.split('=', 1)[0];
  return command.options.find(({ long, short }) => flag === long || flag === short);
}

const takesValue = ({ required, optional }: Option): boolean => required || optional;

const noMore: Completion = { candidates: [], files: false, isWhole: true };
const anyFile: Completion = { candidates: [], files: true, isWhole: true };

async function candidatesFor(state: State, typed: string, names: typeof clusterNames): Promise<Completion> {
  const { command, pending, positionals } = state;
  if (pending !== null) return valuesOf(pending, '', names);
  const given = typed.startsWith('--') && typed.includes('=') ? optionOf(command, typed) : undefined;
  if (given) return valuesOf(given, `${given.long}=`, names);
  if (typed.startsWith('-')) return { ...noMore, candidates: optionsOf(state) };
  if (command.commands.length > 0 && positionals.length === 0)
    return {
      ...noMore,
      candidates: command
        .createHelp()
        .visibleCommands(command)
        .map((one) => ({ text: one.name(), description: one.summary() })),
    };
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[positionals.length] ?? (last?.variadic ? last : undefined);
  return argument === undefined ? noMore : argumentsOf(argument, typed, state, names);
}

/** Options that are not given yet, or repeatable. */
function optionsOf({ command, values }: State): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => Array.isArray(option.defaultValue) || !values.has(option.attributeName()))
    .map(({ long, short, description }) => ({ text: long ?? short ?? '', description }));
}

async function valuesOf(option: Option, prefix: string, names: typeof clusterNames): Promise<Completion> {
  const of = (texts: readonly string[]): Completion => ({
    ...noMore,
    candidates: texts.map((text) => ({ text: prefix + text, description: '' })),
  });
  if (option.argChoices) return of(option.argChoices);
  if (/<(file|path|folder)>/.test(option.flags)) return anyFile;
  const name = option.attributeName();
  if (name === 'namespace' || name === 'context') return of(await names({ what: name }));
  if (name === 'kind') return of(kinds);
  if (name === 'with') return { ...of(overlays), files: true };
  return noMore;
}

const overlays: readonly string[] = ['sampling', 'redact', 'owner-team', 'alert'];
const kinds: readonly string[] = [
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'Pod',
  'Job',
  'CronJob',
  'Node',
  'Service',
  'Ingress',
  'PersistentVolumeClaim',
  'HorizontalPodAutoscaler',
];

async function argumentsOf(argument: Argument, typed: string, { values }: State, names: typeof clusterNames): Promise<Completion> {
  if (argument.argChoices) return { ...noMore, candidates: argument.argChoices.map((text) => ({ text, description: '' })) };
  if (argument.name() !== 'object') return /file|path/.test(argument.name()) ? anyFile : noMore;
  const [kind = '', name] = typed.split('/');
  if (name === undefined) {
    const texts = kinds.map((one) => `${one.toLowerCase()}/`);
    return { candidates: texts.map((text) => ({ text, description: '' })), files: false, isWhole: false };
  }
  const found = await names({ what: 'object', kind, namespace: values.get('namespace'), context: values.get('context') });
  return { ...noMore, candidates: found.map((one) => ({ text: `${kind}/${one}`, description: '' })) };
}
