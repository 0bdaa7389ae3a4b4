/**
 * Troubled clusters in small: what is shown of each case of `test/troubled`, word for word. Outcome, cause and count are what a person
 * acts on.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { load } from '../../shared/cli/input/load-input.ts';
import { treeOf } from '../../shared/cli/output/tree-view.ts';
import { checkShape, checkTold, replay } from '../helpers/trace.ts';

const folder = join(import.meta.dirname, '../troubled');

describe('trees of troubled clusters', () => {
  const cases = readdirSync(folder).filter((name) => name.endsWith('.json'));
  for (const name of cases)
    it(`${name} is shown as in ${name.replace('.json', '.txt')}`, async () => {
      const loaded = await load([join(folder, name)], { objects: [], stdin: Readable.from([]) });
      const segments = replay(loaded);
      checkShape(segments);
      checkTold(segments, loaded.observations);
      const trees = segments.map((segment) => treeOf(segment, { screen: { width: 140, colour: false }, why: false }).join('\n'));
      const shown = trees.join('\n').replaceAll(/(trace) [0-9a-f]{32}/g, '$1');
      assert.equal(shown, readFileSync(join(folder, name.replace('.json', '.txt')), 'utf8'));
    });
});
