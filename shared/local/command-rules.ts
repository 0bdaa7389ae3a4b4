/** `knspan rules check`: says every fault of rules files by file, line and column. */
import { loadRules } from './engine.ts';

export async function rulesCheckCommand(files: string[]): Promise<void> {
  const { faults } = await loadRules(files, true);
  for (const fault of faults) process.stdout.write(`${fault.message}\n`);
  process.stdout.write(faults.length === 0 ? `${files.length} files checked: no faults\n` : `${faults.length} faults\n`);
  if (faults.length > 0) process.exitCode = 1;
}
