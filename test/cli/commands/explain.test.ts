/** `knspan explain`: why an Event is where it is. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { field, listField, textField } from '../../../shared/events/json.ts';
import { crashloop, knspan } from '../../helpers/cli.ts';

describe('knspan explain', () => {
  test('the parent, the rule, the evidence', async () => {
    const dump = JSON.parse(await readFile(crashloop, 'utf8'));
    const scheduled = listField(dump, 'items', 1_000).find((item) => field(item, 'reason') === 'Scheduled');
    const uid = textField(field(scheduled, 'metadata'), 'uid');
    const { status, out } = await knspan(['explain', uid, crashloop]);
    assert.equal(status, 0);
    assert.ok(out.startsWith(`${uid}#1  Pod/`));
    for (const key of ['parent', 'change', 'rule', 'evidence']) assert.match(out, new RegExp(`^  ${key} +\\S`, 'm'));
  });
});
