/** `knspan completion`: prints the completion script of a shell. */
import { completionScripts } from '../completion/scripts.ts';

export function completionCommand(shell: keyof typeof completionScripts): void {
  process.stdout.write(completionScripts[shell]);
}
