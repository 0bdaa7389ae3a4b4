/** Progress: an updated line on a terminal, an occasional line in a log, nothing for short inputs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Progress } from '../../../shared/cli/output/progress.ts';

/** What is written when `at` is called at these seconds after the start. */
function written(isTTY: boolean, seconds: readonly number[]): string {
  let now = 1_000_000;
  let text = '';
  const progress = new Progress({ isTTY, write: (part) => (text += part) }, () => now);
  for (const second of seconds) {
    now = 1_000_000 + second * 1_000;
    progress.at(second * 1_000);
  }
  progress.end();
  return text;
}

describe('progress', () => {
  test('on a terminal one line is written over, and cleared at the end', () => {
    assert.equal(written(true, [1, 3, 4]), '\r3,000 items read\r4,000 items read\r\u001b[K');
  });

  test('elsewhere a line every ten seconds, and no sign of control', () => {
    assert.equal(written(false, [1, 3, 4, 12, 13, 14]), '3,000 items read\n13,000 items read\n');
  });

  test('what is read within two seconds is not worth a word', () => {
    for (const isTTY of [true, false]) assert.equal(written(isTTY, [0, 1, 2]), '');
  });
});
