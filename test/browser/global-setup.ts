/** Runs once before the tests in a browser: Chromium is found on the PATH, or installed. */
import { browserTools, provide } from '../helpers/machine-tools.ts';

export function globalSetup(): void {
  for (const tool of browserTools) provide(tool);
}
