/** The command line: runs a command, and turns errors into a sentence and an exit code. */
import { CommanderError } from 'commander';
import { messageOf } from '../process/log.ts';
import { processEnvironment } from '../process/settings.ts';
import { unknownVariables } from '../process/unknown-variables.ts';
import { createProgram } from './commands/index.ts';
import type { LocalFunctions } from './local/local-run.ts';

export async function runCommandLine(functions: LocalFunctions): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has closed the pipe (head, less).
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`Cannot write to standard output: ${messageOf(error)}\n`);
    process.exit(2);
  });
  // Also if standard error goes to the same pipe.
  process.stderr.on('error', () => process.exit());
  const program = createProgram(functions);
  const [, , command, ...words] = process.argv;
  if (command === '__complete') {
    const { complete, completionLines } = await import('./completion/complete.ts');
    process.stdout.write(completionLines(await complete(program, words)));
    return;
  }
  for (const sentence of unknownVariables(processEnvironment())) process.stderr.write(`${sentence}\n`);
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : 2;
    if (error instanceof CommanderError) return;
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    process.stderr.write((await isExpected(error)) ? `${messageOf(error)}\n` : `knspan has failed: ${messageOf(error)}\n${stack}\n`);
  }
}

/** Errors that a user can fix; any other is a bug and shows its stack. The classes are imported here to keep completion fast. */
async function isExpected(error: unknown): Promise<boolean> {
  const { InputError } = await import('./input/input-error.ts');
  const { ConfigError } = await import('../process/settings.ts');
  const { WiringError } = await import('../dev-broker/read-wiring.ts');
  const { StoreError } = await import('../store/store.ts');
  const { ListenError } = await import('../http/listen.ts');
  const { DatabaseError } = await import('../history/database.ts');
  return [InputError, ConfigError, WiringError, StoreError, ListenError, DatabaseError].some((one) => error instanceof one);
}
