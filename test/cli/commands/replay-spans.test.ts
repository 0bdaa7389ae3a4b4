/** `knspan replay --spans` as a user runs it: files of a Collector or of Jaeger, rows in the tree, spans in the output. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { isRuntimeSpan } from '../../../shared/runtime-spans/shown.ts';
import { parseOtlpRequest } from '../../../shared/spans/parse-otlp.ts';
import type { Span } from '../../../shared/spans/span.ts';
import { knspan } from '../../helpers/cli.ts';
import { fileOf } from '../../runtime-spans/recording.ts';

const events = fileOf('deployment-create', 'watch.jsonl');
const spans = fileOf('deployment-create', 'spans.jsonl');
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'knspan-spans-'));
});
after(() => rm(folder, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function spansOf(...args: readonly string[]): Promise<Span[]> {
  const out = join(folder, `${args.length}.jsonl`);
  const { status, err } = await knspan(['replay', ...args, '--format', 'otlp-json', '--out', out]);
  assert.equal(status, 0, err);
  const lines = (await readFile(out, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.flatMap((line) => {
    const parsed = parseOtlpRequest(JSON.parse(line));
    return parsed.ok ? parsed.data.spans : assert.fail(parsed.faults.join());
  });
}

describe('knspan replay --spans', () => {
  test('adds runtime spans and leaves the spans of Events as they are', async () => {
    const [plain, joined] = await Promise.all([spansOf(events), spansOf(events, '--spans', spans, '--runtime-budget', '0')]);
    assert.deepEqual(
      new Set(joined.filter((span) => !isRuntimeSpan(span)).map((span) => JSON.stringify(span))),
      new Set(plain.map((span) => JSON.stringify(span))),
    );
    assert.ok(joined.filter(isRuntimeSpan).length > 200);
    assert.deepEqual(new Set(joined.filter(isRuntimeSpan).map(({ service }) => service)), new Set(['apiserver', 'kubelet', 'containerd']));
  });

  test('--runtime-budget, also by KNSPAN_RUNTIME_BUDGET', async () => {
    const { err } = await knspan(['replay', events, '--spans', spans, '--runtime-budget', '30']);
    assert.match(err, /2,839 runtime spans read, 30 placed; --runtime shows them/);
    const again = await knspan(['replay', events, '--spans', spans], { env: { KNSPAN_RUNTIME_BUDGET: '20' } });
    assert.match(again.err, /2,839 runtime spans read, 20 placed; --runtime shows them/);
  });

  test('the tree shows them with --runtime alone', async () => {
    const [plain, hidden, shown] = await Promise.all([
      knspan(['replay', events]),
      knspan(['replay', events, '--spans', spans]),
      knspan(['replay', events, '--spans', spans, '--runtime']),
    ]);
    assert.equal(hidden.out, plain.out);
    assert.match(shown.out, /├─ API create deployments\/web by kubectl +apiserver +▏ +4 ms$/m);
    assert.match(shown.out, /│ +├─ wait: volumes, secrets and cgroups +kubelet +█+\S? +1\.8 s$/m);
    assert.match(shown.out, /^ {2}… \d+ more runtime spans, shorter than 21 ms or folded$/m);
    const eventRows = (text: string) =>
      text.split('\n').filter((line) => /replicaset-controller|default-scheduler/.test(line) && !line.includes(' API '));
    assert.deepEqual(eventRows(shown.out).length, eventRows(plain.out).length);
  });

  test('a plain file, several files, and Jaeger', async () => {
    const lines = gunzipSync(await readFile(spans))
      .toString('utf8')
      .trimEnd()
      .split('\n');
    const [one, two] = [await file('1.jsonl', lines.slice(0, 8).join('\n')), await file('2.jsonl', lines.slice(8).join('\n'))];
    const whole = await spansOf(events, '--spans', spans);
    const parts = await spansOf(events, '--spans', one, '--spans', two, '--quiet');
    assert.deepEqual(parts, whole);
    const jaeger = {
      data: [
        {
          traceID: 'a'.repeat(32),
          spans: [{ traceID: 'a'.repeat(32), spanID: 'b1', operationName: 'x', startTime: 1, duration: 1, processID: 'p' }],
          processes: {},
        },
      ],
    };
    const { err } = await knspan(['replay', events, '--spans', await file('jaeger.json', JSON.stringify(jaeger, null, 2))]);
    assert.match(err, /1 runtime span read, 0 placed/);
  });

  test('says what it cannot read', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      [join(folder, 'missing'), /^Cannot read '.*missing': ENOENT/m],
      [
        await file('events.json', '{"kind":"List","items":[{"kind":"Event"}]}'),
        /^Cannot read '.*events\.json': wanted OTLP\/JSON lines of the Collector's file exporter, or Jaeger's JSON$/m,
      ],
    ];
    for (const [path, wanted] of cases) {
      const { status, err } = await knspan(['replay', events, '--spans', path]);
      assert.equal(status, 2);
      assert.match(err, wanted);
    }
    const broken = await file('broken.jsonl', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"x"}]}]}]}\n{"resourceSp');
    const { status, err } = await knspan(['replay', events, '--spans', broken]);
    assert.equal(status, 0);
    assert.match(err, /^Cannot read .*broken\.jsonl: 12 bytes are not JSON$/m);
    assert.match(err, /^Cannot use 1 spans of .*broken\.jsonl: bad_time$/m);
  });
});
