/** The rules for scripts: every key declared, no clock, no randomness, no key names built in Lua; and each runs. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { RedisClient } from '../../../shared/store/redis/connect.ts';
import { loadScript, scriptNames } from '../../../shared/store/redis/scripts.ts';
import { RedisStore } from '../../../shared/store/redis/store.ts';
import { defaultBounds, type Store } from '../../../shared/store/store.ts';
import { type RedisProcess, startRedis } from '../../helpers/redis.ts';
import { commitOf, entry, hour, namesIn, never, openClient, toDomain } from '../contract/harness.ts';

const folder = new URL('../../../shared/store/redis/lua/', import.meta.url);
const files = readdirSync(folder).sort();
const readers = ['due', 'sizes', 'read-index'];
/** What takes new things in: it must not run when Redis has no memory left. All others lead things out or keep that going. */
const takeIn = ['append', 'enqueue-deliveries', 'unseen'];

function textOf(file: string): string {
  return readFileSync(new URL(file, folder), 'utf8');
}

/** Without comments. */
function codeOf(file: string): string {
  return textOf(file).replaceAll(/--.*$/gm, '');
}

describe('the scripts', () => {
  it('are the files of the folder', () => {
    assert.deepEqual(files, scriptNames.map((name) => `${name}.lua`).sort());
  });

  for (const file of files) {
    const name = file.replace('.lua', '');
    it(`${name} says what goes in and comes out, and binds each key and argument to a local`, () => {
      const header = /^#!lua.*\n((?:--.*\n)+)/.exec(textOf(file))?.[1] ?? '';
      assert.match(header, /^-- [A-Z].*\n(--.*\n)*-- KEYS .*\n(--.*\n)*-- Returns .*\n/);
      assert.equal(/^-- ARGV /m.test(header), /\bARGV\b/.test(codeOf(file)), 'the header tells of ARGV');
      const fixed = /^-- KEYS (.*)$/m.exec(header)?.[1]?.split(/,? ?\b(?:then )?for each\b/)[0] ?? '';
      const named = fixed.split(', ').filter((key) => key !== '').length;
      const bound = [...codeOf(file).matchAll(/KEYS\[(\d+)\]|earliest\((\d)\)/g)].map(([, key, place]) => Number(key ?? place));
      assert.deepEqual(
        bound.toSorted(),
        Array.from({ length: named }, (_, place) => place + 1),
        'each key of the header is bound once',
      );
    });

    it(`${name} names only keys that it was given, by the key alone`, () => {
      const locals = [...codeOf(file).matchAll(/^\s*local ([\w, ]+) = (KEYS\[[\w, KEYS[\]]+\])$/gm)].flatMap(([, names = '']) =>
        names.split(', '),
      );
      const calls = [...codeOf(file).matchAll(/redis\.(\w+)\(\s*'(\w+)',\s*([^,)]+)/g)];
      assert.ok(calls.length > 0);
      assert.equal(calls.length, codeOf(file).split('redis.').length - 1, 'a call that this test cannot read');
      for (const [text, way, command, first = ''] of calls) {
        assert.equal(way, 'call', text);
        assert.ok(command === 'ZINTERCARD' ? /^\d$/.test(first) : locals.includes(first), `${text}: wanted one of ${locals.join(', ')}`);
      }
      assert.doesNotMatch(codeOf(file), new RegExp(`\\b(${locals.join('|')})\\b\\s*\\.\\.|\\.\\.\\s*\\b(${locals.join('|')})\\b`));
    });

    it(`${name} knows no clock and no chance, and says what it needs of Redis`, () => {
      assert.doesNotMatch(codeOf(file), /'TIME'|random|RAND|'SPOP'|os\.|'EXPIREAT'|loadstring|'KEYS'|'SCAN'|getfenv|setfenv/i);
      const flags = readers.includes(name) ? ' flags=no-writes' : takeIn.includes(name) ? '' : ' flags=allow-oom';
      assert.equal(codeOf(file).split('\n')[0], `#!lua${flags}`);
    });
  }
});

describe('a Redis that knows no script', () => {
  let redis: RedisProcess;
  let client: RedisClient;
  before(async () => {
    redis = await startRedis();
    client = await openClient(redis.url);
  });
  after(async () => {
    client.disconnect();
    await redis.stop();
  });

  const event = namesIn(0, 1)[0] ?? '';
  const box = { kind: 'outbox', shard: 0 } as const;
  const uses: readonly ((store: Store) => Promise<unknown>)[] = [
    (store) => store.append([entry(event)]),
    (store) => store.unseen([{ event, n: 1 }]),
    (store) => store.claimInbox(0, 'w', never, hour, 1),
    (store) => store.pinRoutes(0, 'w', [{ event, n: 1, route: 'r' }]),
    (store) => store.addToDomains(0, [toDomain('d', 'a#1')]),
    (store) => store.completeRouting(0, 'w', [{ event, n: 1 }], true),
    (store) => store.putIndex([{ key: 'k', member: 'm', score: 1 }], hour, 1),
    (store) => store.readIndex(['k']),
    (store) => store.claimDomains(0, 0, never, hour, 1),
    (store) => store.commit(0, 0, commitOf('d', 1, { taken: ['a#1'], decided: 1, segments: [{ id: 's', body: 'b' }] }), 0),
    (store) => store.claimDeliveries(box, 1, 1, 1),
    (store) => store.postponeDelivery(box, 's', 5),
    (store) => store.removeDeliveries(box, ['s']),
    (store) => store.enqueue(box, [{ id: 's', body: 'b' }], 1),
    (store) => store.due(),
    (store) => store.sizes(),
    (store) => store.acquireLease('n', 'h', hour),
    (store) => store.releaseLease('n', 'h'),
    (store) => store.setOnce('n', 'v', null),
  ];

  it('is told them, each by EVAL with its keys declared', async () => {
    const store = new RedisStore(client, 'test:', defaultBounds);
    for (const use of uses) {
      await client.script('FLUSH');
      await use(store);
      const known = await client.script('EXISTS', ...scriptNames.map((name) => loadScript(name).sha));
      assert.deepEqual([...new Set(Array.isArray(known) ? known : [])].sort(), [0, 1], String(use));
    }
    for (const use of uses) await use(store);
    const known = await client.script('EXISTS', ...scriptNames.map((name) => loadScript(name).sha));
    assert.deepEqual(
      known,
      scriptNames.map(() => 1),
    );
  });
});
