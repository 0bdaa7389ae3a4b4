/** The README tells every setting that the code reads, as the code reads it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { settingsTable } from '../helpers/settings-table.ts';

const top = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(top, 'README.md'), 'utf8');

describe('the settings in the README', () => {
  it('are those that the functions read: `node test/helpers/settings-table.ts` prints the table', async () => {
    const section = /\n## Settings\n(.*?)\n## /s.exec(readme)?.[1] ?? '';
    const table = section.split('\n').filter((line) => line.startsWith('|'));
    assert.deepEqual(table, (await settingsTable()).split('\n'));
  });

  it('are all that stand anywhere in the code and in the files for a cluster', () => {
    const files = ['functions', 'shared', 'knative'].flatMap((folder) =>
      readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(ts|js|yaml)$/.test(name))
        .map((name) => join(top, folder, name)),
    );
    const names = files.flatMap(
      (file) => readFileSync(file, 'utf8').match(/\b(?:KNSPAN|OTEL_EXPORTER|REDIS|K)_[A-Z][A-Z_]*[A-Z]\b/g) ?? [],
    );
    const unknown = [...new Set(names)].filter((name) => !readme.includes(name));
    assert.deepEqual(unknown, []);
  });
});
