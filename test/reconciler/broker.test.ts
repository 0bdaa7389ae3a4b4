/** Dead letters from a real local Broker, wired by the manifests: however a delivery failed, the event arrives in the end. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLocalBroker, type LocalBroker } from '../../shared/dev-broker/index.ts';
import { readWiring } from '../../shared/dev-broker/read-wiring.ts';
import { eventHeaders } from '../helpers/broker.ts';
import { PacedClock } from '../helpers/paced-clock.ts';
import { type Reconciler, World } from '../helpers/reconcilers.ts';
import { type Answer, Subscriber } from '../helpers/subscriber.ts';
import { surroundingsFor } from '../helpers/surroundings.ts';
import { until } from '../helpers/until.ts';

const folders = ['base', 'overlays/objects'].map((name) => fileURLToPath(new URL(`../../knative/${name}`, import.meta.url)));
/** One retry: whoever sends a segment waits for it. */
const attempts = 2;
const attemptsOfMissed = 4;
const reply = { status: 200, headers: eventHeaders({ type: 'com.example.reply', id: 'r' }), body: '{}' };

interface Case {
  readonly how: string;
  readonly answer: Answer | 'never' | 'cut';
  readonly attempts: number;
  /** What the dead letter says of the failure. */
  readonly says: readonly string[];
  readonly ttl?: string;
}

const cases: readonly Case[] = [
  { how: 'a subscriber that hangs', answer: 'never', attempts, says: [] },
  { how: 'a subscriber that answers 500', answer: { status: 500, body: 'no' }, attempts, says: ['code', 'data', 'dest'] },
  { how: 'a subscriber that refuses', answer: { status: 422 }, attempts: 1, says: ['code', 'data', 'dest'] },
  { how: 'a connection that is cut', answer: 'cut', attempts, says: ['code', 'data', 'dest'] },
  { how: 'a malformed reply', answer: { status: 200, body: 'fine, thanks' }, attempts, says: [] },
  { how: 'a reply that the Broker does not take', answer: reply, attempts: 1, says: ['code', 'data', 'dest'], ttl: '2' },
];

describe('what a Broker could not deliver', () => {
  let world: World;
  let subscriber: Subscriber;
  let answer: Answer | 'never' | 'cut';
  let reconciler: Reconciler;
  /** Between Broker and reconciler: shows what passes. */
  let relay: Subscriber;
  let broker: LocalBroker;
  const clock = new PacedClock();

  beforeEach(async () => {
    world = await new World().start();
    subscriber = await Subscriber.start(() => answer);
    reconciler = await world.reconciler({ KNSPAN_SUBSCRIBERS: `exporter=${subscriber.url},correlator=${subscriber.url}` });
    relay = await Subscriber.start(async ({ path, headers, body }) => {
      const kept = Object.entries(headers).filter(([name]) => name.startsWith('ce-') || name === 'content-type');
      const response = await fetch(`${reconciler.url}${path}`, {
        method: 'POST',
        headers: kept.map(([name, value]): [string, string] => [name, String(value)]),
        body,
      });
      return { status: response.status };
    });
    const { log, metrics } = surroundingsFor({});
    const wiring = await readWiring(...folders);
    const urlOf = (name: string) => (name === 'reconciler' ? relay.url : subscriber.url);
    broker = await createLocalBroker({ wiring, urlOf, log, metrics, clock, random: () => 0.5, pings: false });
  });

  afterEach(async () => {
    await broker.stop();
    await Promise.all([relay.stop(), subscriber.stop(), world.stop()]);
  });

  async function failAndHeal({ answer: wrong, attempts: tries, ttl }: Case, to: 'events' | 'traces', type: string): Promise<void> {
    answer = wrong;
    const headers = {
      ...eventHeaders({ type, id: 'e-1', ...(ttl === undefined ? {} : { knativebrokerttl: ttl }) }),
      'content-type': 'application/json',
    };
    const sent = fetch(broker.urlOf(to), { method: 'POST', headers, body: '{"a":1}' });
    for (let count = 1; count <= tries; count += 1) {
      await subscriber.arrived(count);
      if (wrong === 'never') clock.expire();
    }
    assert.equal((await sent).status, 202);
    await broker.idle();
    answer = { status: 202 };
    await until('nothing is under way', () => world.clock.sleeping === 1);
    await world.clock.advance(5_000);
    await subscriber.arrived(tries + 1);
    await until('nothing is under way', () => world.clock.sleeping === 1);
  }

  for (const one of cases)
    it(`arrives in the end after ${one.how}`, async () => {
      await failAndHeal(one, 'traces', 'dev.knspan.trace.segment');
      const { path, headers } = relay.nth(0);
      const said = Object.keys(headers).flatMap((name) => /^ce-knativeerror(.*)$/.exec(name)?.[1] ?? []);
      assert.deepEqual([path, said.toSorted()], ['/dead-letters/exporter', one.says]);
      const { headers: last, body } = subscriber.nth(one.attempts);
      assert.match(String(last['content-type']), /^application\/cloudevents\+json/);
      const { data, ...attributes } = JSON.parse(body);
      assert.deepEqual(data, { a: 1 });
      assert.deepEqual([attributes.id, attributes.type, attributes.source], ['e-1', 'dev.knspan.trace.segment', '/mysource']);
      assert.deepEqual(
        Object.keys(attributes).filter((name) => /^knative(error|brokerttl)/.test(name)),
        [],
      );
      assert.equal(subscriber.received.length, one.attempts + 1);
      assert.equal(await reconciler.figure('knspan_dead_letters'), 0);
    });

  it('by a Broker that answers at once arrives in the end too', async () => {
    await failAndHeal({ how: '', answer: 'never', attempts: attemptsOfMissed, says: [] }, 'events', 'dev.knspan.event.missed');
    assert.equal(relay.nth(0).path, '/dead-letters/correlator');
    assert.equal(await reconciler.figure('knspan_dead_letters_total{outcome="delivered"}'), 1);
  });
});

describe('the Triggers', () => {
  it('each name their subscriber by the path of their dead letter sink, and it is one of KNSPAN_SUBSCRIBERS', async () => {
    const { triggers } = await readWiring(...folders);
    const named = triggers.map(({ subscriber, delivery }) => {
      const sink = delivery.deadLetterSink;
      return [subscriber.kind === 'service' ? subscriber.name : '', sink?.kind === 'service' ? `${sink.name} ${sink.path}` : ''];
    });
    assert.deepEqual(
      named,
      named.map(([name]) => [name, `reconciler /dead-letters/${name}`]),
    );
    assert.deepEqual([...new Set(named.map(([name]) => name))].toSorted(), ['correlator', 'exporter', 'reconciler']);
  });
});
