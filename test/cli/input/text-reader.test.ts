/** JSON, YAML and tables out of whatever text people have them in: dumps with logs, transcripts, documents, logs of exporters. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stringify } from 'yaml';
import { eventJson } from '../../helpers/event.ts';
import { read, withoutText } from '../../helpers/reading.ts';

const event = (message: string) => eventJson({ message });
const list = (...messages: string[]) => ({ kind: 'EventList', apiVersion: 'v1', metadata: {}, items: messages.map(event) });
const pretty = (value: unknown) => JSON.stringify(value, null, 4);
const both = ['event a', 'event b'];
const logs = (text: string) =>
  `==== START logs for container app of pod shop/web-1 ====\n${text}\n==== END logs for container app of pod shop/web-1 ====\n`;

describe('a dump of the whole cluster in one file', () => {
  for (const [what, text] of [
    ['plain', 'starting\n\nlistening on :8080'],
    ['of brackets', '[INFO] plugin/ready: ok\n[1234] pid\n{not json}\n[2024-01-01 00:00:00] x\n{"level":"info"}\n[ ]\n{'],
    ['of what looks like YAML', 'kind: of\nitems:\n- a\napiVersion: x'],
    ['of Events, which are a container’s', JSON.stringify(event('not one of the dump'))],
    ['none at all', ''],
  ] as const)
    test(`logs ${what} between the lists`, async () => {
      for (const end of ['\n', '\r\n']) {
        const dump = `${pretty(list('a'))}\n${logs(text)}${logs(text)}${pretty(list('b'))}\n`.replaceAll('\n', end);
        assert.deepEqual(withoutText(await read(dump, 'dump.txt')), both);
      }
    });

  test('logs whose end is missing do not hide the next list', async () => {
    const dump = `${pretty(list('a'))}\n==== START logs for container app of pod shop/web-1 ====\nfoo\n{"level":"info"}\n${pretty(list('b'))}\n`;
    assert.deepEqual(withoutText(await read(dump)), both);
  });

  test('YAML with logs between', async () => {
    assert.deepEqual(withoutText(await read(`${stringify(list('a'))}${logs('time="x" level=info')}${stringify(list('b'))}`)), both);
  });
});

describe('text around', () => {
  for (const [what, text] of [
    [
      'warnings before',
      `W1108 18:12:46.000000   12345 gcp.go:119] WARNING: the gcp auth plugin is deprecated\nTo learn more, consult https://x\n${pretty(list('a', 'b'))}`,
    ],
    ['a warning with a colon before YAML', `Warning: v1 Endpoints is deprecated in v1.33+\n${stringify(list('a', 'b'))}`],
    ['prompts', `$ kubectl get events -o json\n${pretty(list('a'))}\n$ kubectl get events -n b -o json\n${pretty(list('b'))}\n$ `],
    ['a PowerShell prompt', `PS C:\\> kubectl get events -o json\n${pretty(list('a', 'b'))}\nPS C:\\> exit`],
    [
      'Markdown',
      `# Events\n\nSome text: yes.\n\n\`\`\`json\n${pretty(list('a'))}\n\`\`\`\n\n- a list\n\n\`\`\`yaml\n${stringify(list('b'))}\`\`\`\nthe end\n`,
    ],
    ['a broken beginning', `{\n    ${pretty(list('a', 'b'))}`],
    ['an error behind', `${pretty(list('a', 'b'))}\nError from server (Forbidden): pods is forbidden`],
    ['several on a line', `${JSON.stringify(event('a'))} ${JSON.stringify(event('b'))}`],
    ['commas between', `${pretty(event('a'))},\n${pretty(event('b'))}`],
    ['a half one before', `${pretty(list('x')).slice(0, 150)}\n${pretty(list('a', 'b'))}`],
    ['a byte order mark between', `${pretty(list('a'))}\n\uFEFF${pretty(list('b'))}`],
    ['documents of JSON divided as YAML', `---\n${pretty(event('a'))}\n---\n${pretty(event('b'))}`],
    ['YAML, then JSON', `${stringify(list('a'))}\n${pretty(list('b'))}`],
    ['JSON, then YAML', `${pretty(list('a'))}\n${stringify(list('b'))}`],
  ] as const)
    test(what, async () => {
      const items = await read(text);
      assert.deepEqual(
        items.filter((item) => item.startsWith('event ')),
        both,
        items.join('\n'),
      );
      assert.ok(!items.some((item) => /TypeError|undefined/.test(item)));
    });

  test('what is cut off of a list of Events is said to be lost, where it is cut', async () => {
    const cut = `${pretty(list('a', 'b', 'x')).slice(0, -200)}\n==== END\n${pretty(list('c'))}`;
    const items = await read(cut);
    assert.deepEqual(
      items.filter((item) => item.startsWith('event ')),
      [...both, 'event c'],
    );
    assert.ok(
      items.some((item) => /^lost: .* after 2 items/.test(item)),
      items.join('\n'),
    );
  });
});

describe('logs that hold Events', () => {
  const line = (message: string) => JSON.stringify({ verb: 'ADDED', event: event(message) });
  const at = '2025-11-20T23:06:41.123456789Z';

  test('of the CRI, also in parts', async () => {
    const text = line('b');
    const parts = [
      `${at} stdout P ${text.slice(0, 100)}`,
      `${at} stderr F noise`,
      `${at} stdout P ${text.slice(100, 200)}`,
      `${at} stdout F ${text.slice(200)}`,
    ];
    assert.deepEqual(withoutText(await read([`${at} stdout F ${line('a')}`, ...parts, `${at} stdout F plain`].join('\n'))), both);
  });

  test('of docker, also in parts', async () => {
    const record = (log: string) => JSON.stringify({ log, stream: 'stdout', time: at });
    const long = JSON.stringify({ verb: 'ADDED', event: { ...event('b'), action: 'x'.repeat(20_000) } });
    const text = [record(`${line('a')}\n`), record('plain\n'), record(long.slice(0, 16_384)), record(`${long.slice(16_384)}\n`)].join('\n');
    assert.deepEqual(withoutText(await read(text)), both);
  });

  test('of a collector that leaves out the line’s end', async () => {
    assert.deepEqual(await read(JSON.stringify({ log: line('a'), stream: 'stdout', kubernetes: {} })), ['event a']);
  });

  test('behind the prefix of a logger', async () => {
    const prefixed = (message: string) => `I0101 12:00:00.000000       1 glogsink.go:42] ${line(message)}`;
    assert.deepEqual(withoutText(await read(`${prefixed('a')}\nI0101 ready {}\n${prefixed('b')}`)), both);
  });

  test('of Python, which is no JSON: lost, and said so', async () => {
    assert.deepEqual(await read(`${JSON.stringify(event('a'))}\n{'api_version': 'v1', 'involved_object': {'kind': 'Pod'}}`), [
      'event a',
      'lost text',
    ]);
  });
});
