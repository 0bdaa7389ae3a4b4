/** The cost of the store in Redis: bytes per item, appends per second by fsync policy. For `npm run bench`; asserts nothing. */
import { pathToFileURL } from 'node:url';
import { RedisStore } from '../../shared/store/redis/store.ts';
import { defaultBounds, type Store, shardCount } from '../../shared/store/store.ts';
import { type RedisProcess, startRedis } from '../helpers/redis.ts';
import { openClient } from '../store/contract/harness.ts';

const count = 20_000;
const bodyBytes = 1_200;
const hour = 3_600_000;
const now = 1_763_680_000_123_456;
const body = 'x'.repeat(bodyBytes);

/** As the uid of an Event or an object. */
function uid(index: number): string {
  return `${index.toString(16).padStart(8, '0')}-0000-4000-8000-${(index * 7_919).toString(16).padStart(12, '0')}`;
}

const event = (index: number) => `bench/${uid(index)}`;

async function inBatches(total: number, size: number, run: (indexes: number[]) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < total; from += size)
    await run(Array.from({ length: Math.min(size, total - from) }, (_, index) => from + index));
}

function usedMemory(redis: RedisProcess): number {
  return Number(/used_memory:(\d+)/.exec(redis.cli('info', 'memory'))?.[1]);
}

/** Moves all that waits in the inbox into domains of a hundred, as the router does. */
async function routeAll(store: Store): Promise<void> {
  for (let shard = 0; shard < shardCount; shard += 1) {
    for (let place = 0; ; place += 1) {
      const items = (await store.claimInbox(shard, 'bench', Number.POSITIVE_INFINITY, hour, 100)) ?? [];
      if (items.length === 0) break;
      const entries = items.map((item) => ({
        domain: `bench/${uid(shard * 1_000 + place)}`,
        id: `${item.event}#${item.n}`,
        due: now,
        body: item.body,
      }));
      await store.addToDomains(shard, entries);
      await store.completeRouting(shard, 'bench', items, false);
    }
  }
}

/** Decides all: one segment of 4 kB and a state of 2 kB for each domain of a hundred. */
async function decideAll(store: Store): Promise<number> {
  let domains = 0;
  for (let shard = 0; shard < shardCount; shard += 1) {
    const claimed = await store.claimDomains(shard, 0, Number.POSITIVE_INFINITY, hour, 10_000);
    const reads = await store.readDomains(
      shard,
      claimed.map(({ domain }) => domain),
    );
    for (const [place, { domain, fence }] of claimed.entries()) {
      const taken = (reads[place]?.incoming ?? []).map(({ id }) => id);
      const segments = [{ id: `segment-${domain}`, body: 'x'.repeat(4_096) }];
      await store.commit(
        shard,
        0,
        { domain, fence, taken, state: 'x'.repeat(2_048), stateTtl: hour, due: null, decided: taken.length, segments },
        0,
      );
    }
    domains += claimed.length;
  }
  return domains;
}

async function bytes(say: (text: string) => void): Promise<void> {
  const redis = await startRedis({ appendfsync: 'everysec' });
  const client = await openClient(redis.url);
  const store = new RedisStore(client, 'knspan:', defaultBounds);
  await store.sizes();
  let before = usedMemory(redis);
  const grown = (by: number) => {
    const after = usedMemory(redis);
    const each = Math.round((after - before) / by);
    before = after;
    return each;
  };
  await inBatches(count, 500, (indexes) =>
    store.append(indexes.map((index) => ({ event: event(index), n: 1, version: '123456789', due: now + index, body }))),
  );
  const pending = grown(count);
  say(`Redis bytes per pending event with a body of ${bodyBytes}: ${pending} in the inbox, ${pending - bodyBytes} beside the body`);
  await routeAll(store);
  const routed = grown(count);
  say(`  routed to domains of a hundred: ${pending + routed}`);
  const domains = await decideAll(store);
  const decided = pending + routed + grown(count);
  const kept = Math.round((domains * (4_096 + 2_048)) / count);
  say(`  decided: ${decided - kept} per seen event, beside ${domains} states of 2 kB and segments of 4 kB`);
  // Redis keeps a small sorted set packed as long as every member has at most 64 bytes; beyond that each costs several times as much.
  for (const length of [60, 200]) {
    const fact = (index: number, place: number) => ({
      key: `object/${length}/${uid(index)}`,
      member: `${place}:${uid(index >> 3)}`.padEnd(length, 'x'),
      score: now + index,
    });
    for (const [from, to] of [
      [0, 1],
      [1, 4],
    ] as const) {
      const facts = (index: number) => Array.from({ length: to - from }, (_, place) => fact(index, from + place));
      await inBatches(count, 250, (indexes) => store.putIndex(indexes.flatMap(facts), hour, 64));
      const each = grown(count * (to - from));
      say(from === 0 ? `Redis bytes per remembered object with one fact of ${length} bytes: ${each}` : `  and per further fact: ${each}`);
    }
  }
  client.disconnect();
  await redis.stop();
}

interface Rate {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** So many callers, each with one event at a time; what they say in one turn of the loop shares a write of Redis to its disk. */
async function rate(store: Store, callers: number, total: number, round: string): Promise<Rate> {
  const took: number[] = [];
  let next = 0;
  const began = performance.now();
  const caller = async () => {
    for (let index = next++; index < total; index = next++) {
      const from = performance.now();
      await store.append([{ event: `${round}/${uid(index)}`, n: 1, version: '123456789', due: now + index, body }]);
      took.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - began) / 1_000;
  took.sort((a, b) => a - b);
  const at = (part: number) => took[Math.min(took.length - 1, Math.floor(part * took.length))] ?? 0;
  return { perSecond: Math.round(total / seconds), p50: at(0.5), p99: at(0.99) };
}

async function appends(say: (text: string) => void): Promise<void> {
  for (const appendfsync of ['always', 'everysec'] as const) {
    const redis = await startRedis({ appendfsync });
    const client = await openClient(redis.url);
    const store = new RedisStore(client, 'knspan:', defaultBounds);
    await rate(store, 64, 5_000, 'warm');
    for (const callers of [1, 16, 64, 256]) {
      const { perSecond, p50, p99 } = await rate(store, callers, callers === 1 ? 2_000 : count, `by ${callers}`);
      const times = `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
      say(`append, appendfsync ${appendfsync}, ${callers} at once: ${perSecond.toLocaleString('en')} events/s, ${times}`);
    }
    client.disconnect();
    await redis.stop();
  }
}

export async function benchStore(say: (text: string) => void): Promise<void> {
  await bytes(say);
  await appends(say);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await benchStore((text) => process.stdout.write(`${text}\n`));
