/** Calls of a store as data, for random sequences: earlier claims determine later commits. */
import fc from 'fast-check';
import type { DeliveryQueue, Store } from '../../../shared/store/store.ts';
import { commitOf, hour, namesIn } from './harness.ts';

/** What a sequence has learnt: the last fencing number of each domain. */
export type Learnt = Map<string, number>;

/** Makes the call and says its answer, in an order of its own where the store promises none. */
export type Call = (store: Store, learnt: Learnt) => Promise<unknown>;

const shards = [0, 1];
const shard = fc.constantFrom(0, 0, 0, 1);
const event = fc.constantFrom(...shards.flatMap((one) => namesIn(one, 3)));
const n = fc.constantFrom(1, 2, 3);
const occurrence = fc.record({ event, n });
const version = fc.constantFrom('', '9', '10', '11', '100');
const eventTime = fc.oneof({ arbitrary: fc.integer({ min: 0, max: 5 }), weight: 3 }, fc.constant(Number.POSITIVE_INFINITY));
const clock = fc.integer({ min: 1_000, max: 1_020 });
const most = fc.integer({ min: 0, max: 4 });
/** Prefixes of the names that are used here. */
const skip = fc.constantFrom<readonly string[]>([], [], ['none'], namesIn(0, 1), ['d'], ['e', 'd']);
const few = { minLength: 1, maxLength: 4 } as const;
const token = fc.constantFrom('a', 'a', 'b');
const domain = fc.constantFrom('d', 'e');
const id = fc.constantFrom('a#1', 'b#1', 'c#2', 'd#1');
const body = fc.string({ unit: 'grapheme', maxLength: 3 });
const items = fc.array(fc.record({ id, body }), few);
const queue = fc.oneof(
  shard.map((one): DeliveryQueue => ({ kind: 'outbox', shard: one })),
  fc.constant<DeliveryQueue>({ kind: 'dead-letters' }),
);
const key = fc.constantFrom('k', 'l');
const name = fc.constantFrom('x', 'y');

function call<T extends readonly unknown[]>(
  what: string,
  given: fc.Arbitrary<T>,
  run: (store: Store, given: T, learnt: Learnt) => Promise<unknown>,
) {
  return given.map((values) => {
    const made: Call = (store, learnt) => run(store, values, learnt);
    return Object.assign(made, { toString: () => `${what} ${JSON.stringify(values)}` });
  });
}

const entries = fc.array(fc.record({ event, n, version, due: eventTime, body }), few);
const inbox = [
  call('append', fc.tuple(entries), (store, [all]) => store.append(all)),
  call('claimInbox', fc.tuple(shard, token, eventTime, most, skip), (store, [at, who, now, count, without]) =>
    store.claimInbox(at, who, now, hour, count, without),
  ),
  call('pinRoutes', fc.tuple(shard, token, fc.array(fc.record({ event, n, route: body }), few)), (store, [at, who, all]) =>
    store.pinRoutes(
      at,
      who,
      all.filter((one) => namesIn(at, 3).includes(one.event)),
    ),
  ),
  call('completeRouting', fc.tuple(shard, token, fc.array(occurrence, few), fc.boolean()), (store, [at, who, all, release]) =>
    store.completeRouting(
      at,
      who,
      all.filter((one) => namesIn(at, 3).includes(one.event)),
      release,
    ),
  ),
  call('unseen', fc.tuple(fc.array(occurrence, few)), (store, [all]) => store.unseen(all)),
];

const commitFields = fc.record({
  taken: fc.array(id, few),
  state: body,
  stateTtl: fc.constantFrom(null, hour),
  due: fc.option(eventTime),
  decided: fc.integer({ min: 0, max: 2 }),
  segments: items,
});
const domains = [
  call('addToDomains', fc.tuple(shard, fc.array(fc.record({ domain, id, due: eventTime, body }), few)), (store, [at, all]) =>
    store.addToDomains(at, all),
  ),
  call(
    'claimDomains',
    fc.tuple(shard, clock, eventTime, fc.integer({ min: 1, max: 8 }), most, skip),
    async (store, [at, time, now, lease, count, without], learnt) => {
      const claimed = await store.claimDomains(at, time, now, lease, count, without);
      for (const one of claimed) learnt.set(`${at} ${one.domain}`, one.fence);
      return claimed;
    },
  ),
  call('readDomains', fc.tuple(shard, fc.array(domain, few)), async (store, [at, all]) => {
    const reads = await store.readDomains(at, all);
    return reads.map(({ state, incoming }) => ({ state, incoming: [...incoming].sort((x, y) => (x.id < y.id ? -1 : 1)) }));
  }),
  call(
    'commit',
    fc.tuple(shard, clock, domain, commitFields, fc.constantFrom(0, 0, 0, 1), most),
    (store, [at, time, which, fields, older, hold], learnt) =>
      store.commit(at, time, commitOf(which, (learnt.get(`${at} ${which}`) ?? 0) - older, fields), hold),
  ),
];

const queues = [
  call('enqueue', fc.tuple(queue, items, clock), (store, [which, all, at]) => store.enqueue(which, all, at)),
  call('claimDeliveries', fc.tuple(queue, clock, most, most), (store, [which, at, hold, count]) =>
    store.claimDeliveries(which, at, hold, count),
  ),
  call('removeDeliveries', fc.tuple(queue, fc.array(id, few)), (store, [which, ids]) => store.removeDeliveries(which, ids)),
  call('postponeDelivery', fc.tuple(queue, id, clock), (store, [which, one, until]) => store.postponeDelivery(which, one, until)),
  call('park', fc.tuple(queue, id, body), (store, [which, one, reason]) => store.park(which, one, reason)),
  call('listDeliveries', fc.tuple(queue, most), (store, [which, count]) => store.listDeliveries(which, count)),
  call('removeParked', fc.tuple(id), (store, [one]) => store.removeParked(one)),
  call('listParked', fc.tuple(most), (store, [count]) => store.listParked(count)),
  call('removeParked', fc.tuple(id), (store, [one]) => store.removeParked(one)),
];

const index = [
  call('putIndex', fc.tuple(fc.array(fc.record({ key, member: id, score: eventTime }), few), most), (store, [all, count]) =>
    store.putIndex(all, hour, count),
  ),
  call('readIndex', fc.tuple(fc.array(key, few)), (store, [keys]) => store.readIndex(keys)),
  call('acquireLease', fc.tuple(name, token), (store, [which, who]) => store.acquireLease(which, who, hour)),
  call('releaseLease', fc.tuple(name, token), (store, [which, who]) => store.releaseLease(which, who)),
  call('setOnce', fc.tuple(name, body, fc.constantFrom(null, hour)), (store, [which, value, ttl]) =>
    store.setOnce(`set ${which}`, value, ttl),
  ),
];

const overview = [
  call('due', fc.tuple(skip), (store, [without]) => store.due(without)),
  call('sizes', fc.tuple(), (store) => store.sizes()),
];

/** Calls that touch the same things, so that a sequence meets all their states. */
export const families: Readonly<Record<string, fc.Arbitrary<Call>>> = {
  inbox: fc.oneof(...inbox, ...overview),
  domains: fc.oneof(...domains, ...domains, ...queues, ...overview),
  'delivery queues': fc.oneof(...queues, ...overview),
  'index and names': fc.oneof(...index),
};
