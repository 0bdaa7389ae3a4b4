/**
 * Settings -> store: Redis if REDIS_URL is set, else the in-memory store, with a warning. A Redis that would evict pending data is refused
 * here, before anything is acknowledged.
 */
import { type Clock, systemClock } from '../process/clock.ts';
import { type Log, messageOf } from '../process/log.ts';
import { ConfigError, type Settings } from '../process/settings.ts';
import { MemoryStore } from './memory/store.ts';
import { connectRedis, parseRedisUrl, type RedisClient, type RedisTarget, redisUrlForms, whenReady } from './redis/connect.ts';
import { RedisStore } from './redis/store.ts';
import { defaultBounds, type Store, type StoreBounds, StoreError } from './store.ts';

export interface RedisSettings {
  /** Null: the in-memory store. */
  readonly target: RedisTarget | null;
  readonly prefix: string;
}

export interface StoreSettings extends RedisSettings {
  /** Use a Redis that evicts, with a warning. */
  readonly allowVolatile: boolean;
  readonly bounds: StoreBounds;
}

const mostEver = 100_000_000;
/** The start fails if Redis does not answer within this time; the function is then restarted from outside. */
const readyWithinMs = 10_000;
const errorsPerMinute = 6;

/** Reads where the store is; faults are collected for `settings.finish`. */
export function readRedisSettings(settings: Settings): RedisSettings {
  const url = settings.secret('REDIS_URL', `the store: ${redisUrlForms}; without it an in-memory store, lost on exit`);
  const target = url === undefined ? null : parseRedisUrl(url);
  if (url !== undefined && target === null) settings.refuse('REDIS_URL', 'not readable', redisUrlForms);
  return {
    target,
    prefix: settings.text('KNSPAN_REDIS_PREFIX', {
      default: 'knspan:',
      pattern: /^[A-Za-z0-9:._-]{1,100}$/,
      wanted: '1 to 100 letters, digits and :._-',
      what: 'prefix of all Redis keys',
    }),
  };
}

/** The same with the settings of the store of Events and segments. */
export function readStoreSettings(settings: Settings): StoreSettings {
  const bound = (name: string, fallback: number, what: string) =>
    settings.number(name, { default: fallback, min: 1, max: mostEver, what: `max ${what}` });
  return {
    ...readRedisSettings(settings),
    allowVolatile: settings.flag('KNSPAN_ALLOW_VOLATILE', false, 'accept a Redis that may evict pending data'),
    bounds: {
      pending: bound('KNSPAN_PENDING_MAX', defaultBounds.pending, 'observations in the inbox, and max undecided ones'),
      outbox: bound('KNSPAN_OUTBOX_MAX', defaultBounds.outbox, 'segments in the outbox'),
      deadLetters: bound('KNSPAN_DEAD_LETTERS_MAX', defaultBounds.deadLetters, 'pending dead letters'),
      seenTtl: settings.duration(
        'KNSPAN_SEEN_TTL',
        '2h',
        'how long an occurrence is remembered as seen: the lifetime of Events plus one hour',
        '1m',
      ),
    },
  };
}

export async function openStore(from: StoreSettings | Settings, log: Log, clock: Clock = systemClock()): Promise<Store> {
  const settings = 'bounds' in from ? from : readStoreSettings(from);
  const store =
    settings.target === null ? new MemoryStore(() => clock.now(), settings.bounds) : await openRedis(settings.target, settings, log);
  const { refuse, warn } = await store.check();
  for (const sentence of warn) log.warn(sentence);
  if (refuse.length === 0) return store;
  if (settings.allowVolatile) for (const sentence of refuse) log.warn(`${sentence} (allowed by KNSPAN_ALLOW_VOLATILE)`);
  else {
    await store.close();
    throw new ConfigError(refuse.map((sentence) => `Cannot use the store: ${sentence}, or KNSPAN_ALLOW_VOLATILE=true`).join('\n'));
  }
  return store;
}

/** A second connection of a process that has opened and checked the same Redis already. One that is away now comes back by itself. */
export async function connectStore({ target, prefix, bounds }: StoreSettings, log: Log): Promise<Store> {
  if (target === null) throw new StoreError('Cannot connect to the store: it is embedded in another thread');
  const client = clientOf(target, log);
  await whenReady(client, readyWithinMs);
  return new RedisStore(client, prefix, bounds);
}

function clientOf(target: RedisTarget, log: Log): RedisClient {
  return connectRedis(target, (error) =>
    log.sampled('redis', errorsPerMinute)?.error('the connection to Redis failed', { reason: messageOf(error) }),
  );
}

async function openRedis(target: RedisTarget, { prefix, bounds }: StoreSettings, log: Log): Promise<Store> {
  return new RedisStore(await openRedisClient(target, log), prefix, bounds);
}

/** Rejects with a `StoreError` when Redis does not answer. */
export async function openRedisClient(target: RedisTarget, log: Log): Promise<RedisClient> {
  const client = clientOf(target, log);
  const reason = await whenReady(client, readyWithinMs);
  if (reason === '') return client;
  client.disconnect();
  throw new StoreError(`Cannot open the store: Redis did not answer within ${readyWithinMs / 1_000} s: ${reason}`);
}
