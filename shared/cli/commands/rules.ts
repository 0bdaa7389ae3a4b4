/** `knspan rules check`: reports every fault of rules files by file, line and column. */

import { counted } from '../../events/quantity.ts';
import { loadRules } from '../input/load-input.ts';

export async function rulesCheckCommand(files: readonly string[]): Promise<void> {
  const { faults } = await loadRules(files, true);
  for (const fault of faults) process.stdout.write(`${fault.message}\n`);
  process.stdout.write(
    faults.length === 0 ? `${counted(files.length, 'file')} checked: no faults\n` : `${counted(faults.length, 'fault')}\n`,
  );
  if (faults.length > 0) process.exitCode = 1;
}
