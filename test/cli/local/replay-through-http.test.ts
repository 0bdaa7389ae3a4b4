/** `replay --through serve`: captures sent over HTTP through broker, correlators and store give the bytes of the direct replay. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ReplayOptions, replayCommand } from '../../../shared/cli/commands/replay.ts';
import { replayThroughHttp } from '../../../shared/cli/local/replay-through-http.ts';
import { knspan } from '../../helpers/cli.ts';
import { localFunctions } from '../../helpers/local-run.ts';
import { type RedisProcess, startRedis } from '../../helpers/redis.ts';
import { captures, folderOf } from '../../helpers/trace.ts';

/** What `kubectl get` shows at the end: repeats merged, firsts known with the last. */
const dump = 'events.json';
const inputs = [
  { what: 'events alone', objects: [] },
  { what: 'with objects', objects: ['objects-watch.jsonl'] },
] as const;

describe('replay --through serve', () => {
  const folder = mkdtempSync(join(tmpdir(), 'knspan-through-'));
  after(() => rmSync(folder, { recursive: true }));
  const direct = new Map<string, string>();
  let files = 0;

  async function replayed(capture: string, objects: readonly string[], correlators?: number, dumped = false): Promise<string> {
    files += 1;
    const options: ReplayOptions = {
      objects: objects.map((file) => join(folderOf(capture), file)),
      rules: [],
      lenient: false,
      cluster: 'test',
      failed: false,
      why: false,
      format: 'otlp-json',
      out: join(folder, String(files)),
      orphans: 'digest',
      budget: 1_000,
      rootService: 'knspan',
      quiet: true,
      exitCode: false,
      correlators: correlators ?? 1,
      with: [],
    };
    const paths = [join(folderOf(capture), dumped ? dump : 'watch.jsonl')];
    if (correlators === undefined) await replayCommand(paths, options);
    else await replayThroughHttp(localFunctions, paths, options);
    return readFileSync(options.out ?? '', 'utf8');
  }

  async function compare(capture: string, objects: readonly string[], correlators: number): Promise<void> {
    const key = [capture, ...objects].join();
    const wanted = direct.get(key) ?? (await replayed(capture, objects));
    direct.set(key, wanted);
    assert.ok(wanted.length > 1_000);
    assert.equal(await replayed(capture, objects, correlators), wanted);
  }

  function each(run: (capture: string, objects: readonly string[], correlators: number) => Promise<void>): void {
    for (const capture of captures)
      for (const { what, objects } of inputs)
        for (const correlators of [1, 3]) it(`${capture}, ${what}, ${correlators} correlators`, () => run(capture, objects, correlators));
  }

  describe('with the in-memory store', () => each(compare));

  describe('a dump: firsts are told with the last, of all events at once', () => {
    for (const capture of captures)
      for (const objects of [[], ['objects.json']])
        it(`${capture}, ${objects.length > 0 ? 'with objects' : 'events alone'}`, async () => {
          assert.equal(await replayed(capture, objects, 2, true), await replayed(capture, objects, undefined, true));
        });
  });

  describe('with Redis', () => {
    let redis: RedisProcess;
    before(async () => {
      redis = await startRedis({ appendfsync: 'everysec' });
      process.env['REDIS_URL'] = redis.url;
    });
    after(async () => {
      delete process.env['REDIS_URL'];
      await redis.stop();
    });
    each(async (capture, objects, correlators) => {
      // All runs of one process have the same prefix.
      redis.cli('flushall');
      await compare(capture, objects, correlators);
      assert.ok(Number(redis.cli('dbsize')) > 0);
    });
  });

  it('items of a dump that do not say what they are', async () => {
    const { items } = JSON.parse(readFileSync(join(folderOf('crashloop'), dump), 'utf8'));
    const bare = join(folder, 'bare.json');
    writeFileSync(bare, JSON.stringify(items.map(({ kind: _, apiVersion: __, ...rest }: Record<string, unknown>) => rest)));
    const [sent, direct] = await Promise.all([
      knspan(['replay', bare, '--through', 'serve', '--view', 'list']),
      knspan(['replay', bare, '--view', 'list']),
    ]);
    assert.equal(sent.out, direct.out);
    assert.ok(sent.out.length > 100);
  });

  it('is a way of the command line, which says how much was read', async () => {
    const watch = join(folderOf('deployment-create'), 'watch.jsonl');
    const { status, out, err } = await knspan(['replay', watch, '--through', 'serve', '--cluster', 'test', '--format', 'otlp-json']);
    assert.equal(status, 0, err);
    assert.equal(out, direct.get('deployment-create'));
    assert.match(err, /19 events read; 1 trace shown, 0 failed, 14 spans/);
    assert.doesNotMatch(err, /volatile/);
    const wrong = await knspan(['replay', watch, '--through', 'serve', '--deliver', 'shuffle=1']);
    assert.deepEqual([wrong.status, wrong.err], [2, 'Cannot use --deliver with --through: wanted one of them\n']);
  });
});
