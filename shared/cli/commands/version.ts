/** What this program is: its version, and the name by which it was called. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { textField } from '../../events/json.ts';

/** Of the package that this file lies in. */
export function versionOf(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = manifestIn(folder);
    if (textField(manifest, 'name') === 'knspan') return textField(manifest, 'version');
    if (folder === dirname(folder)) return 'unknown';
  }
}

function manifestIn(folder: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  } catch {
    return null;
  }
}

/** For help and hints: `kubectl knspan` as a plugin of kubectl, `npx knspan` by way of npx. */
export function programName(): string {
  if (basename(process.argv[1] ?? '').startsWith('kubectl-knspan')) return 'kubectl knspan';
  return process.env['npm_command'] === 'exec' ? 'npx knspan' : 'knspan';
}
