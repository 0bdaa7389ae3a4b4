/** Delivery queues in Redis, and the parked items. */
import { textField } from '../../events/json.ts';
import { deliveryQueueKeys, parkedKey } from '../keys.ts';
import { type DeliveryQueue, type ParkedItem, parkedMax, type QueuedDelivery, type StoreBounds, shardCount } from '../store.ts';
import { listOf, numberOf, score, textOf } from './replies.ts';
import type { RedisRunner } from './run.ts';

const bodyMax = 16 * 1_024 * 1_024;

export interface RedisDeliveryQueues {
  enqueue(queue: DeliveryQueue, items: readonly { id: string; body: string }[], dueAt: number): Promise<boolean>;
  claim(queue: DeliveryQueue, clock: number, visibilityTimeoutMs: number, max: number): Promise<readonly QueuedDelivery[]>;
  remove(queue: DeliveryQueue, ids: readonly string[]): Promise<void>;
  postpone(queue: DeliveryQueue, id: string, until: number): Promise<void>;
  park(queue: DeliveryQueue, id: string, reason: string): Promise<number>;
  list(queue: DeliveryQueue, max: number): Promise<readonly QueuedDelivery[]>;
  listParked(max: number): Promise<readonly ParkedItem[]>;
  removeParked(id: string): Promise<boolean>;
}

export function redisDeliveryQueues({ run, ask }: RedisRunner, prefix: string, bounds: StoreBounds): RedisDeliveryQueues {
  const keysOf = (queue: DeliveryQueue) => deliveryQueueKeys(prefix, queue);
  const maxOf = (queue: DeliveryQueue) => (queue.kind === 'dead-letters' ? bounds.deadLetters : Math.ceil(bounds.outbox / shardCount));
  const parked = parkedKey(prefix);
  const remove = async (queue: DeliveryQueue, ids: readonly string[]) => {
    const { bodies, due, tries, since } = keysOf(queue);
    if (ids.length > 0) await run('remove-deliveries', [bodies, due, tries, since], ids);
  };
  return {
    async enqueue(queue, items, dueAt) {
      const { bodies, due, since } = keysOf(queue);
      const args = items.flatMap(({ id, body }) => [id, body]);
      return numberOf(await run('enqueue-deliveries', [bodies, due, since], [maxOf(queue), dueAt, ...args])) === 1;
    },
    async claim(queue, clock, visibilityTimeoutMs, max) {
      const { bodies, due, tries } = keysOf(queue);
      const reply = listOf(await run('claim-deliveries', [bodies, due, tries], [clock, visibilityTimeoutMs, max]));
      return Array.from({ length: reply.length / 3 }, (_, place) => toDelivery(reply, 3 * place));
    },
    remove,
    async postpone(queue, id, until) {
      await run('postpone-delivery', [keysOf(queue).due], [id, score(until)]);
    },
    /** Parked first, then removed from the queue: a crash in between leaves it in both and loses nothing. */
    async park(queue, id, reason) {
      const body = await ask('park', (client) => client.hget(keysOf(queue).bodies, id));
      if (body === null) return 0;
      const count = await ask('park', (client) => client.lpush(parked, JSON.stringify({ id, reason, body })));
      await ask('park', (client) => client.ltrim(parked, 0, parkedMax - 1));
      await remove(queue, [id]);
      return Math.max(0, count - parkedMax);
    },
    async list(queue, max) {
      const { bodies, due, tries } = keysOf(queue);
      const what = 'list deliveries';
      const ids = max > 0 ? await ask(what, (client) => client.zrange(due, '0', String(max - 1))) : [];
      if (ids.length === 0) return [];
      const [texts, counts] = await ask(what, (client) => Promise.all([client.hmget(bodies, ...ids), client.hmget(tries, ...ids)]));
      // An item removed in the meantime has no body.
      return ids.flatMap((id, place) => {
        const body = texts[place] ?? null;
        return body === null ? [] : [{ id, body, tries: Number(counts[place] ?? 0) }];
      });
    },
    async listParked(max) {
      const texts = max > 0 ? await ask('list parked items', (client) => client.lrange(parked, 0, max - 1)) : [];
      return texts.map((text) => {
        const item: unknown = JSON.parse(text);
        return { id: textField(item, 'id'), reason: textField(item, 'reason'), body: textField(item, 'body', bodyMax) };
      });
    },
    async removeParked(id) {
      const texts = await ask('list parked items', (client) => client.lrange(parked, 0, -1));
      const text = texts.find((one) => textField(JSON.parse(one), 'id') === id);
      if (text === undefined) return false;
      return (await ask('remove a parked item', (client) => client.lrem(parked, 1, text))) > 0;
    },
  };
}

function toDelivery(reply: readonly unknown[], at: number): QueuedDelivery {
  return { id: textOf(reply[at]), body: textOf(reply[at + 1]), tries: numberOf(reply[at + 2]) };
}
