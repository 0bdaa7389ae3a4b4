/** User rules are as powerful as built-in ones: Argo Rollouts from `argo-rollouts.yaml` alone gives the same traces. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { builtInRules } from '../../../shared/correlation/rules/built-in/index.ts';
import { compileRules, meaningOf } from '../../../shared/correlation/rules/match.ts';
import { parseUserRules } from '../../../shared/correlation/rules/user-rules.ts';

import { storiesIn, told } from '../../helpers/story.ts';
import { type Capture, loadCapture, replay, textOf } from '../../helpers/trace.ts';
import { textOf as meaningText, readTables } from './built-in/rows.ts';

const file = join(import.meta.dirname, 'argo-rollouts.yaml');
const { rules: own, faults } = parseUserRules(readFileSync(file, 'utf8'), file);
const builtIn = compileRules(builtInRules);
const others = builtInRules.filter(({ id }) => !id.startsWith('rollout.'));
const byUser = compileRules(others, own);

const renamed = (text: string) => text.replaceAll('my-rollouts.', 'rollout.');

function checkSame(capture: Capture): void {
  const wanted = textOf(replay(capture, builtIn));
  const got = textOf(replay(capture, byUser));
  assert.deepEqual(got.map(renamed).sort(), wanted);
  assert.ok(got.some((span) => span.includes('my-rollouts.')));
  assert.notDeepEqual(textOf(replay(capture, compileRules(others))), wanted, 'the rules matter');
}

describe('Argo Rollouts by a user rules file', () => {
  it('has no fault and a rule for each built-in one', () => {
    assert.deepEqual(faults, []);
    assert.equal(own.length, builtInRules.length - others.length);
  });

  it('gives each message the meaning that the built-in rules give it', () => {
    for (const { observed, wanted, place } of readTables().get('rollouts') ?? [])
      assert.equal(renamed(meaningText(meaningOf(byUser, observed))), wanted, place);
  });

  for (const mode of ['watch', 'objects'] as const)
    it(`gives the same traces of a blue-green rollout (${mode})`, async () => checkSame(await loadCapture('argo-bluegreen', mode)));

  for (const { title, text } of storiesIn(join(import.meta.dirname, '../chains/tools.txt')).filter((story) =>
    story.text.includes(' Rollout/'),
  ))
    it(`gives the same traces of the story '${title}'`, () => checkSame(told(text)));
});
