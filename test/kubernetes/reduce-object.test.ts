/** A reduced object holds all that the parser reads, and no secret. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { listField } from '../../shared/events/json.ts';
import { parseObject } from '../../shared/kubernetes/parse-object.ts';
import { reduceObject } from '../../shared/kubernetes/reduce-object.ts';
import { captures, folderOf } from '../helpers/trace.ts';

describe('reduceObject', () => {
  it('keeps all that the parser reads, of every object of the captures', () => {
    let count = 0;
    for (const capture of captures) {
      const list: unknown = JSON.parse(readFileSync(`${folderOf(capture)}objects.json`, 'utf8'));
      for (const object of listField(list, 'items', 100_000)) {
        assert.deepEqual(parseObject(reduceObject(object)), parseObject(object));
        count += 1;
      }
    }
    assert.ok(count > 50, `${count} objects`);
  });

  it('drops env, command, data and the last applied configuration', () => {
    const text = JSON.stringify(
      reduceObject({
        kind: 'Pod',
        metadata: { name: 'web', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'secret' } },
        spec: { nodeName: 'node-1', containers: [{ name: 'app', env: [{ name: 'KEY', value: 'secret' }], command: ['secret'] }] },
        data: { key: 'secret' },
        stringData: { key: 'secret' },
        status: { conditions: [{ type: 'Ready', status: 'True', extra: 'secret' }] },
      }),
    );
    assert.doesNotMatch(text, /secret/);
    assert.match(text, /node-1.*Ready/);
  });
});
