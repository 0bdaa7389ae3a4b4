/** The texts of the help that all commands share: how options are described, examples, exit codes. */
import type { Command, Option } from 'commander';
import { programName } from './version.ts';

export const exitCodes = `
Exit codes:
  0  done, also when there was no trace to show
  1  a trace has failed or is failing (with --exit-code), a rules file has faults, or an extension does not pass its test
  2  wrong usage, no Event in the input, a refused query, cluster, Redis or PostgreSQL out of reach, or output that cannot be written
  3  the OpenTelemetry backend did not accept everything
  4  part of the input looked like Events and could not be read; the traces show the rest`;

/** Without the defaults that say nothing: no, none, empty. The descriptions name the choices. */
export function describeOption(option: Option): string {
  const facts: string[] = [];
  const shown: unknown = option.defaultValue;
  if (shown !== undefined && shown !== false && shown !== '' && !Array.isArray(shown)) facts.push(`default: ${String(shown)}`);
  if (option.envVar !== undefined) facts.push(`or set ${option.envVar}`);
  return facts.length === 0 ? option.description : `${option.description} (${facts.join('; ')})`;
}

/** Examples as `command`, or `# comment` for the next one; `knspan` becomes the name by which it was called. */
export function addExamples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText(
    'after',
    () => `\nExamples:\n${lines.map((line) => `  ${line.replaceAll('knspan', programName())}`).join('\n')}`,
  );
}

/** `knspan rules check` */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
