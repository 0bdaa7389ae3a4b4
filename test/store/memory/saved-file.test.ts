/** A memory store from a file answers as if it had never been away; a file that is damaged is set aside. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { Log } from '../../../shared/process/log.ts';
import { loadStore, saveStore } from '../../../shared/store/memory/saved-file.ts';
import { MemoryStore } from '../../../shared/store/memory/store.ts';
import { defaultBounds } from '../../../shared/store/store.ts';
import { families, type Learnt } from '../contract/calls.ts';

const folder = mkdtempSync(join(tmpdir(), 'knspan-store-'));
const file = join(folder, 'pending');
const lines: string[] = [];
const log = new Log({ function: 'test', level: 'warn', write: (line) => lines.push(line) });
after(() => rmSync(folder, { recursive: true }));

const open = () => new MemoryStore(() => 1_000, defaultBounds);

describe('saveStore() and loadStore()', () => {
  for (const [name, calls] of Object.entries(families))
    it(`change no answer to any sequence of calls of ${name}`, async () => {
      const sequence = fc.array(calls, { minLength: 5, maxLength: 25, size: 'max' });
      await fc.assert(
        fc.asyncProperty(sequence, sequence, async (before, later) => {
          const one = open();
          const learnt: readonly [Learnt, Learnt] = [new Map(), new Map()];
          for (const call of before) {
            await call(one, learnt[0]);
          }
          for (const [domain, fence] of learnt[0]) learnt[1].set(domain, fence);
          saveStore(one, file);
          const other = open();
          loadStore(other, file, log);
          assert.ok(!existsSync(file));
          assert.deepEqual([await other.due(), await other.sizes()], [await one.due(), await one.sizes()]);
          for (const call of later) assert.deepEqual(await call(other, learnt[1]), await call(one, learnt[0]), String(call));
        }),
        { numRuns: 40, seed: 7 },
      );
    });

  it('set aside a file that is damaged, and say so', async () => {
    const store = open();
    await store.setOnce('cluster', 'one', null);
    saveStore(store, file);
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    writeFileSync(file, bytes);
    const other = open();
    loadStore(other, file, log);
    assert.equal(await other.setOnce('cluster', 'two', null), 'two');
    assert.ok(existsSync(`${file}.unreadable`) && !existsSync(file));
    assert.match(lines.join(''), /cannot use the pending state of the last run: set aside.*its digest does not match/);
    loadStore(open(), file, log);
  });
});
