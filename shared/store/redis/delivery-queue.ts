/** Boxes of things to be sent, in Redis: bodies, when each is due, how often it was tried, since when it is there. */

import { textField } from '../../events/json.ts';
import { deliveryQueueKeys, parkedKey } from '../keys.ts';
import { type DeliveryQueue, parkedMax, type QueuedDelivery, type StoreBounds, shardCount } from '../store.ts';
import { listOf, numberOf, score, textOf } from './replies.ts';
import type { RedisRunner } from './run.ts';

const bodyMost = 16 * 1_024 * 1_024;

export interface RedisDeliveryQueue {
  put(box: DeliveryQueue, items: readonly { id: string; body: string }[], dueAt: number): Promise<boolean>;
  claim(box: DeliveryQueue, clock: number, holdMs: number, most: number): Promise<readonly QueuedDelivery[]>;
  remove(box: DeliveryQueue, ids: readonly string[]): Promise<void>;
  postpone(box: DeliveryQueue, id: string, until: number): Promise<void>;
  park(box: DeliveryQueue, id: string, reason: string): Promise<number>;
  list(box: DeliveryQueue, most: number): Promise<readonly QueuedDelivery[]>;
  listParked(most: number): Promise<readonly { id: string; reason: string; body: string }[]>;
  removeParked(id: string): Promise<boolean>;
}

export function redisDeliveryQueue({ run, ask }: RedisRunner, prefix: string, bounds: StoreBounds): RedisDeliveryQueue {
  const keysOf = (box: DeliveryQueue) => deliveryQueueKeys(prefix, box);
  const mostIn = (box: DeliveryQueue) => (box.kind === 'dead-letters' ? bounds.deadLetters : Math.ceil(bounds.outbox / shardCount));
  const remove = async (box: DeliveryQueue, ids: readonly string[]) => {
    const { bodies, due, tries, since } = keysOf(box);
    if (ids.length > 0) await run('remove-deliveries', [bodies, due, tries, since], ids);
  };
  return {
    async put(box, items, dueAt) {
      const { bodies, due, since } = keysOf(box);
      const args = items.flatMap(({ id, body }) => [id, body]);
      return numberOf(await run('enqueue-deliveries', [bodies, due, since], [mostIn(box), dueAt, ...args])) === 1;
    },
    async claim(box, clock, holdMs, most) {
      const { bodies, due, tries } = keysOf(box);
      const reply = listOf(await run('claim-deliveries', [bodies, due, tries], [clock, holdMs, most]));
      return Array.from({ length: reply.length / 3 }, (_, place) => toItem(reply, 3 * place));
    },
    remove,
    async postpone(box, id, until) {
      await run('postpone-delivery', [keysOf(box).due], [id, score(until)]);
    },
    /** First to the parked ones, then out of the box: a crash between leaves it in both, which loses nothing. */
    async park(box, id, reason) {
      const body = await ask('park', (client) => client.hget(keysOf(box).bodies, id));
      if (body === null) return 0;
      const parked = await ask('park', (client) => client.lpush(parkedKey(prefix), JSON.stringify({ id, reason, body })));
      await ask('park', (client) => client.ltrim(parkedKey(prefix), 0, parkedMax - 1));
      await remove(box, [id]);
      return Math.max(0, parked - parkedMax);
    },
    async list(box, most) {
      const { bodies, due, tries } = keysOf(box);
      const ids = most > 0 ? await ask('list a box', (client) => client.zrange(due, '0', String(most - 1))) : [];
      if (ids.length === 0) return [];
      const [texts, counts] = await ask('list a box', (client) => Promise.all([client.hmget(bodies, ...ids), client.hmget(tries, ...ids)]));
      // What was removed meanwhile has no body any more.
      return ids.flatMap((id, place) => {
        const body = texts[place] ?? null;
        return body === null ? [] : [{ id, body, tries: Number(counts[place] ?? 0) }];
      });
    },
    async listParked(most) {
      const texts = most > 0 ? await ask('list what is parked', (client) => client.lrange(parkedKey(prefix), 0, most - 1)) : [];
      return texts.map((text) => {
        const parked: unknown = JSON.parse(text);
        return { id: textField(parked, 'id'), reason: textField(parked, 'reason'), body: textField(parked, 'body', bodyMost) };
      });
    },
    async removeParked(id) {
      const texts = await ask('list what is parked', (client) => client.lrange(parkedKey(prefix), 0, -1));
      const text = texts.find((one) => textField(JSON.parse(one), 'id') === id);
      if (text === undefined) return false;
      return (await ask('remove what is parked', (client) => client.lrem(parkedKey(prefix), 1, text))) > 0;
    },
  };
}

function toItem(reply: readonly unknown[], at: number): QueuedDelivery {
  return { id: textOf(reply[at]), body: textOf(reply[at + 1]), tries: numberOf(reply[at + 2]) };
}
