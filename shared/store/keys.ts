/** Which shard something belongs to, and what its keys are called in Redis. One hash tag a shard: one script may touch all its keys. */
import { type DeliveryQueue, shardCount } from './store.ts';

/** FNV-1a, 32 bits. */
export function shardOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % shardCount;
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
  readonly inbox: string;
  readonly inboxDue: string;
  readonly inboxLease: string;
  readonly pinned: string;
  readonly due: string;
  readonly leases: string;
  readonly fences: string;
  readonly fence: string;
  readonly held: string;
  readonly seen: (event: string) => string;
  readonly state: (domain: string) => string;
  readonly incoming: (domain: string) => string;
  readonly index: (key: string) => string;
}

export interface DeliveryQueueKeys {
  readonly bodies: string;
  readonly due: string;
  readonly tries: string;
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
    held: `${base}:held`,
    seen: (event) => `${base}:seen:${event}`,
    state: (domain) => `${base}:state:${domain}`,
    incoming: (domain) => `${base}:incoming:${domain}`,
    index: (key) => `${base}:index:${key}`,
  };
}

export function deliveryQueueKeys(prefix: string, box: DeliveryQueue): DeliveryQueueKeys {
  const base = box.kind === 'outbox' ? `${prefix}{${box.shard}}:outbox` : `${prefix}{letters}:letters`;
  return { bodies: base, due: `${base}-due`, tries: `${base}-tries`, since: `${base}-since` };
}

export function parkedKey(prefix: string): string {
  return `${prefix}{letters}:parked`;
}

/** Each name in a slot of its own. */
export function namedKey(prefix: string, name: string): string {
  return `${prefix}name:${name}`;
}
