/** Which shard something belongs to, and the names of its keys in Redis: one hash tag per shard, so that one script may touch all its keys. */
import { type DeliveryQueue, shardCount } from './store.ts';

/** FNV-1a, 32 bits. */
export function shardOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % shardCount;
}

/** An Event within its cluster; Events of one namespace begin alike. */
export function eventKey(cluster: string, { namespace, uid }: { readonly namespace: string; readonly uid: string }): string {
  return `${cluster}|${namespace}|${uid}`;
}

export function occurrenceId(event: string, n: number): string {
  return `${event}#${n}`;
}

/** The Event and the number of an id made by `occurrenceId`. */
export function splitId(id: string): { event: string; n: number } {
  const cut = id.lastIndexOf('#');
  return { event: id.slice(0, cut), n: Number(id.slice(cut + 1)) };
}

export interface ShardKeys {
  /** Hash: occurrence id -> body. */
  readonly inbox: string;
  /** Sorted set of occurrence ids by event time. */
  readonly inboxDue: string;
  readonly inboxLease: string;
  /** Hash: occurrence id -> route. */
  readonly pinned: string;
  /** Sorted set of domains by event time. */
  readonly due: string;
  /** Sorted set of claimed domains by the end of their lease, store clock. */
  readonly leases: string;
  /** Hash: domain -> the last fencing number given for it. */
  readonly fences: string;
  /** Counter of fencing numbers. */
  readonly fence: string;
  /** Counter of undecided observations. */
  readonly undecided: string;
  /** Hash: n -> `v` and version while it waits, `1` once routed; `first` -> the occurrence routed first. */
  readonly seen: (event: string) => string;
  readonly state: (domain: string) => string;
  /** Hash: observation id -> body. */
  readonly incoming: (domain: string) => string;
  /** Sorted set of members. */
  readonly index: (key: string) => string;
}

export interface DeliveryQueueKeys {
  /** Hash: id -> body. */
  readonly bodies: string;
  /** Sorted set of ids by when they are due, store clock. */
  readonly due: string;
  /** Hash: id -> number of attempts. */
  readonly tries: string;
  /** Sorted set of ids by when they were added, store clock. */
  readonly since: string;
}

export function shardKeys(prefix: string, shard: number): ShardKeys {
  const base = `${prefix}{${shard}}`;
  return {
    inbox: `${base}:inbox`,
    inboxDue: `${base}:inbox-due`,
    inboxLease: `${base}:inbox-lease`,
    pinned: `${base}:pinned`,
    due: `${base}:due`,
    leases: `${base}:leases`,
    fences: `${base}:fences`,
    fence: `${base}:fence`,
    undecided: `${base}:undecided`,
    seen: (event) => `${base}:seen:${event}`,
    state: (domain) => `${base}:state:${domain}`,
    incoming: (domain) => `${base}:incoming:${domain}`,
    index: (key) => `${base}:index:${key}`,
  };
}

export function deliveryQueueKeys(prefix: string, queue: DeliveryQueue): DeliveryQueueKeys {
  const base = queue.kind === 'outbox' ? `${prefix}{${queue.shard}}:outbox` : `${prefix}{dead-letters}:queue`;
  return { bodies: base, due: `${base}-due`, tries: `${base}-tries`, since: `${base}-since` };
}

/** List, the last parked first. */
export function parkedKey(prefix: string): string {
  return `${prefix}{dead-letters}:parked`;
}

/** Each name in a slot of its own. */
export function namedKey(prefix: string, name: string): string {
  return `${prefix}name:${name}`;
}
