/** `knspan replay` of what people have at hand: what it reads, what it says that it left out, and how it exits. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { knspan } from '../../helpers/cli.ts';
import { eventJson } from '../../helpers/event.ts';

const folder = fileURLToPath(new URL('../input/troubled/', import.meta.url));
const heads = (text: string) => text.split('\n').filter((line) => /^\S/.test(line));
const list = (...items: readonly unknown[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2);
const pull = eventJson({ reason: 'Pulling', message: 'Pulling image "shop/web:1"' });

describe('input from troubled clusters', () => {
  for (const [file, head, counts] of [
    ['00-utf16.json', /^Pod shop\/web-1: /, /^1 event read; /],
    ['00-json-between-text.txt', /^Pod shop\/web-1: /, /^1 event read; .*\n43 bytes of text not understood\n$/],
    ['00-line-before-json.txt', /^Pod shop\/web-1: /, /^1 event read; .*\n133 bytes of text not understood\n$/],
    ['00-capital-keys.json', /^Node n1: /, /^1 event read; /],
  ] as const)
    test(file, async () => {
      const { status, out, err } = await knspan(['replay', folder + file]);
      assert.equal(status, 0, err);
      assert.match(heads(out)[0] ?? '', head);
      assert.match(err, counts);
    });

  test('the folder of all', async () => {
    const { status, err } = await knspan(['replay', folder, '--view', 'list']);
    assert.equal(status, 0);
    // A `.txt` of a folder is read where its name speaks of Events.
    assert.match(err, /^2 events read; /);
  });
});

describe('what was left out', () => {
  test('an Event that cannot be read: exit code 4, and the reason', async () => {
    const cut = `${list(pull, pull).slice(0, -400)}`;
    const { status, out, err } = await knspan(['replay', '-'], { stdin: cut });
    assert.equal(status, 4);
    assert.match(out, /pull shop\/web:1/);
    assert.match(
      err,
      /^1 event read; .*\n1 item skipped:\n {2}Cannot read standard input: JSON ends in the middle after 1 item; the rest is lost\n/,
    );
  });

  test('text that looks like Events, but is none: exit code 4', async () => {
    const { status, err } = await knspan(['replay', '-'], { stdin: `${list(pull)}\n{'involved_object': {'kind': 'Pod'}}\n` });
    assert.equal(status, 4);
    assert.match(err, /bytes of text not understood, of which \d+ bytes look like Events\n$/);
  });

  test('--exit-code goes before', async () => {
    const failing = eventJson({ type: 'Warning', reason: 'BackOff', message: 'Back-off restarting failed container app in pod web-1' });
    const stdin = `${list(failing)}\n{'involved_object': {'kind': 'Pod'}}\n`;
    assert.equal((await knspan(['replay', '-', '--exit-code'], { stdin })).status, 1);
  });

  test('empty lists and what else a bundle holds are silent', async () => {
    for (const stdin of [list(), '{"kind":"EventList","items":null}', '[]', 'No resources found in shop namespace.\n']) {
      const { status, err } = await knspan(['replay', '-'], { stdin });
      assert.deepEqual([status, err], [0, '0 events read; 0 traces shown, 0 failed, 0 spans\n'], stdin);
    }
    const { status, err } = await knspan(['replay', '-'], {
      stdin: `${list(pull)}{"kind":"CronJobList","apiVersion":"batch/v1","items":[]}`,
    });
    assert.deepEqual([status, err.split('\n').length], [0, 2]);
  });

  test('no Event in something that is not empty: exit code 2', async () => {
    for (const stdin of ['', 'hello\n', '{"a":1}']) {
      const { status, err } = await knspan(['replay', '-'], { stdin });
      assert.equal(status, 2);
      assert.match(err, /Cannot find an Event in the input: wanted the output of 'kubectl get events -A'/);
    }
  });
});

describe('the table of kubectl get events', () => {
  const table = `LAST SEEN   TYPE      REASON      OBJECT          MESSAGE
5m          Normal    Pulling     pod/web-1       Pulling image "shop/web:1"
4m          Warning   Failed      pod/web-1       Failed to pull image "shop/web:1": not found
`;

  test('is read and marked as such; times count back from --now', async () => {
    const { status, out, err } = await knspan(['replay', '-', '--now', '2026-01-31T12:00:00Z'], { stdin: table });
    assert.equal(status, 0);
    assert.match(out, /because Failed to pull image "shop\/web:1": not found/);
    assert.match(out, /2026-01-31T11:5\d:00Z/);
    assert.match(
      err,
      /^2 events read; .*\n2 of them from a table of kubectl, without uids, times rounded down: use -o json for exact traces\n$/,
    );
  });

  test('--now that is no time', async () => {
    const { status, err } = await knspan(['replay', '-', '--now', 'noon'], { stdin: table });
    assert.equal(status, 2);
    assert.match(err, /Wanted a time such as 2026-01-31T12:00:00Z, found 'noon'/);
  });

  test('beside the same Events as JSON is not used', async () => {
    const { err } = await knspan(['replay', '-'], { stdin: `${list(pull)}\n$ kubectl get events -n shop\n${table}` });
    assert.match(err, /^1 event read; .*\n2 table rows not used: their namespace has Events in another form\n/);
  });
});

test('a file of UTF-16 through standard input', async () => {
  const { status, err } = await knspan(['replay', '-'], { stdin: await readFile(`${folder}00-utf16.json`) });
  assert.equal(status, 0);
  assert.match(err, /^1 event read; /);
});
