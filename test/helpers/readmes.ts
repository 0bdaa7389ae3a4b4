/** All READMEs of the project, by path from its top. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));

export const readmes: readonly string[] = [
  'README.md',
  ...['functions', 'knative', 'shared', 'test'].flatMap((folder) =>
    readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('README.md') && !name.includes('node_modules'))
      .map((name) => join(folder, name)),
  ),
].toSorted();
