/**
 * From a URL to a Redis client. `redis://` and `rediss://` (TLS) one server; `redis+sentinel://host:port,host:port/master` and
 * `redis+cluster://host:port,host:port`, with `rediss+...` for TLS. User and password as in any URL.
 */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { type Backoff, backoffMs } from '../../process/backoff.ts';
import { stopwatch } from '../../process/clock.ts';

export type RedisClient = Redis | Cluster;

/** A command that is not answered within this time counts as failed, and its connection as dead (ms). */
const answerWithin = 10_000;
const connectWithin = 5_000;
const reconnects: Backoff = { firstMs: 50, maxMs: 1_000 };
/** Max redirects to other nodes of a cluster, 100 ms apart: an unavailable node is detected within a second. */
const redirectionsMost = 8;
const refreshEvery = 2_000;
/** The client reports no readiness of a cluster's nodes: poll at this interval. */
const lookAgainIn = 20;

export type RedisTarget =
  | { readonly kind: 'server'; readonly url: string; readonly tls: boolean }
  | { readonly kind: 'sentinel'; readonly nodes: readonly Node[]; readonly master: string; readonly login: Login; readonly tls: boolean }
  | { readonly kind: 'cluster'; readonly nodes: readonly Node[]; readonly login: Login; readonly tls: boolean };

interface Node {
  readonly host: string;
  readonly port: number;
}

interface Login {
  readonly username?: string;
  readonly password?: string;
}

export const redisUrlForms = 'redis[s]://host:port, redis[s]+sentinel://host:port,.../master or redis[s]+cluster://host:port,...';

/** Null if the text has none of the forms. It may hold a password: never show it. */
export function parseRedisUrl(text: string): RedisTarget | null {
  const match = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^?#]*))?$/.exec(text);
  if (!match) return null;
  const [, secure, kind, userInfo, hosts, path] = match;
  const tls = secure === 's';
  if (!kind) return URL.canParse(text) ? { kind: 'server', url: text, tls } : null;
  const nodes = (hosts ?? '').split(',').map(toNode);
  if (nodes.some((node) => node === null)) return null;
  const found = nodes.filter((node) => node !== null);
  const login = toLogin(userInfo);
  if (!login) return null;
  if (kind === 'cluster') return { kind, nodes: found, login, tls };
  return path ? { kind: 'sentinel', nodes: found, master: path, login, tls } : null;
}

function toNode(text: string): Node | null {
  const match = /^(.+?)(?::(\d{1,5}))?$/.exec(text);
  return match?.[1] ? { host: match[1].replace(/^\[|\]$/g, ''), port: Number(match[2] ?? 6379) } : null;
}

/** Null if it is not URL-encoded correctly. */
function toLogin(userInfo: string | undefined): Login | null {
  const [username = '', ...rest] = (userInfo ?? '').split(':');
  const password = rest.join(':');
  try {
    return {
      ...(username ? { username: decodeURIComponent(username) } : {}),
      ...(password ? { password: decodeURIComponent(password) } : {}),
    };
  } catch {
    return null;
  }
}

/** Without transformed replies, which the scripts do not need. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** A client that never queues: calls fail at once while Redis is unavailable. */
export function connectRedis(target: RedisTarget, onError: (error: Error) => void, answerIn = answerWithin): RedisClient {
  const options: Options = {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: answerIn,
    socketTimeout: answerIn,
    connectTimeout: connectWithin,
    lazyConnect: true,
    retryStrategy,
    // After a failover the old master is a replica: the next connection finds the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(target.tls ? { tls: {} } : {}),
  };
  const client = clientOf(target, options);
  client.on('error', onError);
  return client;
}

function retryStrategy(times: number): number {
  return backoffMs(reconnects, times, Math.random);
}

function clientOf(target: RedisTarget, options: Options): RedisClient {
  if (target.kind === 'server') return new Redis(target.url, { ...options, enableAutoPipelining: true });
  const nodes = target.nodes.map((node) => ({ ...node }));
  if (target.kind === 'sentinel') {
    const secure = target.tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {};
    const sentinel = { sentinels: nodes, name: target.master, sentinelRetryStrategy: retryStrategy, ...secure };
    return new Redis({ ...options, ...target.login, ...sentinel, enableAutoPipelining: true });
  }
  const { lazyConnect: _, retryStrategy: __, ...redisOptions } = options;
  const cluster = new Cluster(nodes, {
    redisOptions: { ...redisOptions, ...target.login },
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    maxRedirections: redirectionsMost,
    clusterRetryStrategy: retryStrategy,
    // Reconnects to a node that was unavailable, also without calls.
    slotsRefreshInterval: refreshEvery,
    // A certificate names the host, so the name must not be resolved before.
    ...(target.tls ? { dnsLookup: (host, answer) => answer(null, host) } : {}),
  });
  // By default it connects to a node with the first command for it, and refuses commands meanwhile.
  cluster.on('+node', (node: Redis) => {
    if (node.status === 'wait' && node.options.readOnly !== true) node.connect().catch(() => {});
  });
  return cluster;
}

/** Every node of a cluster that serves a slot must be available: a call may need any. */
export function isReady(client: RedisClient): boolean {
  if (client.status !== 'ready' || !(client instanceof Cluster)) return client.status === 'ready';
  const ready = client.nodes('master').filter(({ status }) => status === 'ready');
  const there = new Set(ready.map(({ options }) => `${options.host}:${options.port}`));
  return client.slots.every(([serving]) => serving === undefined || there.has(serving));
}

/** Waits until the client is usable, or returns the reason why not in time. */
export async function whenReady(client: RedisClient, ms: number): Promise<string> {
  let reason = 'no answer';
  const note = (error: Error) => {
    reason = error.message;
  };
  client.on('error', note);
  if (client.status === 'wait') client.connect().catch(note);
  const waited = stopwatch();
  while (!isReady(client) && waited() * 1_000 < ms) await readyOr(client, lookAgainIn);
  client.off('error', note);
  return isReady(client) ? '' : reason;
}

function readyOr(client: RedisClient, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      client.off('ready', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    client.once('ready', done);
  });
}
