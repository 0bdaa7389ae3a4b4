/**
 * From a URL to a Redis client. `redis://` and `rediss://` (TLS) one server; `redis+sentinel://host:port,host:port/master` and
 * `redis+cluster://host:port,host:port`, with `rediss+...` for TLS. User and password as in any URL.
 */
import { Cluster, Redis, type RedisOptions } from 'ioredis';

export type RedisClient = Redis | Cluster;

/** A command that is not answered within this time counts as failed (ms). */
const commandTimeout = 10_000;
const connectTimeout = 5_000;
const reconnectMost = 1_000;

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

/** Null when the text is none of the forms. The text may hold a password: never show it. */
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
  if (kind === 'cluster') return { kind, nodes: found, login, tls };
  return path ? { kind: 'sentinel', nodes: found, master: path, login, tls } : null;
}

function toNode(text: string): Node | null {
  const match = /^(.+?)(?::(\d{1,5}))?$/.exec(text);
  return match?.[1] ? { host: match[1].replace(/^\[|\]$/g, ''), port: Number(match[2] ?? 6379) } : null;
}

function toLogin(userInfo: string | undefined): Login {
  if (!userInfo) return {};
  const [username, ...rest] = userInfo.split(':');
  const password = rest.join(':');
  return {
    ...(username ? { username: decodeURIComponent(username) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
  };
}

/** Without the mapping of replies, which the scripts do not need. */
type Options = Omit<RedisOptions, 'replyMapping'>;

/** A client that never queues: away is away, and whoever asks is told at once. */
export function connectRedis(target: RedisTarget, onError: (error: Error) => void): RedisClient {
  const options: Options = {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout,
    connectTimeout,
    lazyConnect: true,
    retryStrategy: (times) => Math.min(50 * times, reconnectMost),
    ...(target.tls ? { tls: {} } : {}),
  };
  const client = clientOf(target, options);
  client.on('error', onError);
  return client;
}

function clientOf(target: RedisTarget, options: Options): RedisClient {
  if (target.kind === 'server') return new Redis(target.url, { ...options, enableAutoPipelining: true });
  const nodes = target.nodes.map((node) => ({ ...node }));
  if (target.kind === 'sentinel')
    return new Redis({ ...options, ...target.login, sentinels: nodes, name: target.master, enableAutoPipelining: true });
  const { lazyConnect: _, retryStrategy: __, ...redisOptions } = options;
  return new Cluster(nodes, {
    redisOptions: { ...redisOptions, ...target.login },
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: (times) => Math.min(50 * times, reconnectMost),
  });
}

/** Waits until the client can be used, or says why not within the time. */
export async function whenReady(client: RedisClient, ms: number): Promise<string> {
  let reason = 'no answer';
  const note = (error: Error) => {
    reason = error.message;
  };
  client.on('error', note);
  if (client.status === 'wait') client.connect().catch(note);
  const until = performance.now() + ms;
  while (client.status !== 'ready' && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
  client.off('error', note);
  return client.status === 'ready' ? '' : reason;
}
