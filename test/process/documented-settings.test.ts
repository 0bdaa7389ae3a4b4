/** functions/README.md lists every setting as the code reads it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { knownVariables } from '../../shared/process/unknown-variables.ts';
import { readmes } from '../helpers/readmes.ts';
import { settingsTable } from '../helpers/settings-table.ts';

const top = fileURLToPath(new URL('../..', import.meta.url));
const documented = readmes.map((file) => readFileSync(join(top, file), 'utf8')).join('\n');

describe('settings', () => {
  it('of functions/README.md are those that the functions read: `node test/helpers/settings-table.ts` prints the table', async () => {
    const readme = readFileSync(join(top, 'functions/README.md'), 'utf8');
    const section = readme.slice(readme.indexOf('\n## Settings\n'));
    const table = section.split('\n').filter((line) => line.startsWith('|'));
    assert.deepEqual(table, (await settingsTable()).split('\n'));
  });

  it('of code and manifests are documented in a README', () => {
    const files = ['functions', 'shared', 'knative'].flatMap((folder) =>
      readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(ts|js|yaml)$/.test(name))
        .map((name) => join(top, folder, name)),
    );
    const names = files.flatMap(
      (file) => readFileSync(file, 'utf8').match(/\b(?:KNSPAN|OTEL_EXPORTER|REDIS|K)_[A-Z][A-Z_]*[A-Z]\b/g) ?? [],
    );
    const unknown = [...new Set(names)].filter((name) => !documented.includes(name));
    assert.deepEqual(unknown, []);
    assert.deepEqual([...new Set(names)].filter((name) => name.startsWith('KNSPAN_')).toSorted(), knownVariables.toSorted());
  });
});
