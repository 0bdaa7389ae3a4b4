/**
 * The causal chains of Kubernetes and of the tools on it, from Events as controllers write them: `chains/*.txt` hold what is told and
 * what the traces of it must look like, span for span. How to read them: `helpers/story.ts`.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { storiesIn, told } from '../helpers/story.ts';

const folder = join(import.meta.dirname, 'chains');

for (const name of readdirSync(folder)) {
  describe(`chains of ${name.slice(0, -'.txt'.length)}`, () => {
    for (const { title, text, outline } of storiesIn(join(folder, name))) it(title, () => assert.equal(told(text).outline, outline));
  });
}
