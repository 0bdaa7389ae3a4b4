/** Runs once before all test files (`node --test-global-setup`): several of them at once would race to install what they need. */
import { machineTools, provide } from './helpers/machine-tools.ts';

export function globalSetup(): void {
  for (const tool of machineTools) provide(tool);
}
