/** The schedule of ticks, by tables and by a slow search; and PingSources that send them by a clock set by hand. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Cron, parseCron } from '../../shared/dev-broker/cron.ts';
import { createLocalBroker, type LocalBroker } from '../../shared/dev-broker/index.ts';
import { parseWiring } from '../../shared/dev-broker/read-wiring.ts';
import { type Clock, ManualClock } from '../../shared/process/clock.ts';
import { Log } from '../../shared/process/log.ts';
import { Metrics } from '../../shared/process/metrics.ts';
import { PacedClock } from '../helpers/paced-clock.ts';
import { type Answering, Subscriber } from '../helpers/subscriber.ts';

function cron(text: string, timezone?: string): Cron {
  const parsed = parseCron(text, timezone);
  if (!parsed.ok) assert.fail(parsed.reason);
  return parsed.value;
}

/** Up to three times behind the first, written as UTC. */
function timesOf(schedule: Cron, from: string, count = 3): string[] {
  const times: string[] = [];
  for (let at = schedule.next(Date.parse(from)); at !== null && times.length < count; at = schedule.next(at))
    times.push(new Date(at).toISOString().replace('.000Z', 'Z'));
  return times;
}

describe('schedules', () => {
  const known: readonly (readonly [text: string, from: string, times: readonly string[], timezone?: string])[] = [
    ['*/5 * * * *', '2025-01-01T00:00:00Z', ['2025-01-01T00:05:00Z', '2025-01-01T00:10:00Z', '2025-01-01T00:15:00Z']],
    ['*/20 * * * * *', '2025-01-01T00:00:00.500Z', ['2025-01-01T00:00:20Z', '2025-01-01T00:00:40Z', '2025-01-01T00:01:00Z']],
    ['30 2 * * *', '2025-12-31T02:30:00Z', ['2026-01-01T02:30:00Z', '2026-01-02T02:30:00Z', '2026-01-03T02:30:00Z']],
    ['0 0 29 2 *', '2025-01-01T00:00:00Z', ['2028-02-29T00:00:00Z']],
    ['0 0 31 2 *', '2025-01-01T00:00:00Z', []],
    ['0 9-17/4 * * MON-FRI', '2025-01-03T13:00:00Z', ['2025-01-03T17:00:00Z', '2025-01-06T09:00:00Z', '2025-01-06T13:00:00Z']],
    ['0 0 1,15 * wed', '2025-01-01T00:00:00Z', ['2025-01-08T00:00:00Z', '2025-01-15T00:00:00Z', '2025-01-22T00:00:00Z']],
    ['0 0 1 * ?', '2025-01-01T00:00:00Z', ['2025-02-01T00:00:00Z', '2025-03-01T00:00:00Z', '2025-04-01T00:00:00Z']],
    ['50/5 * * * *', '2025-01-01T00:00:00Z', ['2025-01-01T00:50:00Z', '2025-01-01T00:55:00Z', '2025-01-01T01:50:00Z']],
    ['@hourly', '2025-01-01T00:00:00Z', ['2025-01-01T01:00:00Z', '2025-01-01T02:00:00Z', '2025-01-01T03:00:00Z']],
    ['@weekly', '2025-01-01T00:00:00Z', ['2025-01-05T00:00:00Z', '2025-01-12T00:00:00Z', '2025-01-19T00:00:00Z']],
    ['0 0 * 3 *', '2025-03-28T22:59:59Z', ['2025-03-28T23:00:00Z', '2025-03-29T23:00:00Z', '2025-03-30T22:00:00Z'], 'Europe/Berlin'],
    ['30 5 * * *', '2025-01-01T00:00:00Z', ['2025-01-02T00:00:00Z', '2025-01-03T00:00:00Z', '2025-01-04T00:00:00Z'], 'Asia/Kolkata'],
  ];
  for (const [text, from, times, timezone] of known)
    test(`${text} ${timezone ?? ''}`, () => assert.deepEqual(timesOf(cron(text, timezone), from, Math.max(1, times.length)), times));

  const bad: readonly (readonly [text: string, reason: RegExp])[] = [
    ...['', '* * * *', '* * * * * * *'].map((text) => [text, /wanted 5 fields, or 6 with seconds, or one of @yearly, /] as const),
    ...['@every 5s', '@weekdays'].map((text) => [text, /wanted 5 fields, or 6 with seconds, or one of @yearly, /] as const),
    ['60 * * * *', /Invalid value for minute: 60/],
    ['* 24 * * *', /Invalid value for hour: 24/],
    ['* * 0 * *', /Invalid value for day/],
    ['* * * 13 *', /Invalid value for month/],
    ['*/0 * * * *', /illegal stepping: 0/],
    ['5-3 * * * *', /larger than to value: '5-3'/],
    ['* * * jam *', /\(jam\) contains illegal characters/],
    ...['* * * * 7', '* * * * 5-7', '* * L * *', '* * 15W * *', '* * * * 5#2', 'a * * * *', '1/2/3 * * * *', '1-2-3 * * * *'].map(
      (text) => [text, /wanted numbers, names, \*, -, \/ and commas within the range of each field, found '/] as const,
    ),
  ];
  for (const [text, reason] of bad)
    test(`'${text}' is refused`, () => {
      const parsed = parseCron(text);
      assert.match(parsed.ok ? '' : parsed.reason, /^Cannot read the schedule '.*': ./);
      assert.match(parsed.ok ? '' : parsed.reason, reason);
    });

  test('an unknown time zone is refused', () =>
    assert.match(JSON.stringify(parseCron('@daily', 'Moon/Base')), /wanted an IANA time zone, found 'Moon\/Base'/));

  test('no minute between two of its times fits, and each of them does', () => {
    const at = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2026, 0, 1) });
    const minutes = fc.integer({ min: 0, max: 59 });
    const hours = fc.integer({ min: 0, max: 23 });
    fc.assert(
      fc.property(minutes, fc.integer({ min: 1, max: 30 }), hours, at, (minute, step, hour, from) => {
        const schedule = cron(`${minute}/${step} ${hour},${(hour + 5) % 24} * * *`);
        const fits = (time: Date) =>
          time.getUTCMinutes() >= minute &&
          (time.getUTCMinutes() - minute) % step === 0 &&
          [hour, (hour + 5) % 24].includes(time.getUTCHours());
        let slow = Math.floor(from / 60_000) * 60_000 + 60_000;
        while (!fits(new Date(slow))) slow += 60_000;
        assert.equal(schedule.next(from), slow);
      }),
      { numRuns: 300 },
    );
  });
});

describe('PingSources', () => {
  const start = Date.UTC(2025, 0, 1, 0, 0, 30);

  async function pinging<C extends Clock>(
    answering: Answering | undefined,
    clock: C,
    work: (sink: Subscriber, clock: C, broker: LocalBroker) => Promise<void>,
  ): Promise<void> {
    const sink = await Subscriber.start(answering);
    const spec = { schedule: '* * * * *', contentType: 'application/json', data: '{"tick":true}', sink: { uri: sink.url } };
    const text = JSON.stringify({
      apiVersion: 'sources.knative.dev/v1',
      kind: 'PingSource',
      metadata: { name: 'tick', namespace: 'n' },
      spec,
    });
    const log = new Log({ function: 'broker', write: () => undefined });
    const options = {
      wiring: parseWiring([{ file: 'p.yaml', text }]),
      urlOf: () => '',
      log,
      metrics: new Metrics(),
      clock,
      random: () => 0.5,
    };
    const broker = await createLocalBroker(options);
    try {
      await work(sink, clock, broker);
    } finally {
      await broker.stop();
      await sink.stop();
    }
  }
  /** The next tick has set its alarm. */
  const asleep = async (clock: ManualClock) => {
    while (clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
  };

  test('one event at each time of the schedule, as Knative sends it, a little later by chance', async () => {
    await pinging(undefined, new ManualClock(start), async (sink, clock) => {
      await asleep(clock);
      await clock.advance(29_999);
      assert.equal(sink.received.length, 0);
      await clock.advance(251);
      await sink.arrived(1);
      const { headers, body } = sink.nth(0);
      assert.equal(body, '{"tick":true}');
      assert.equal(headers['ce-type'], 'dev.knative.sources.ping');
      assert.equal(headers['ce-source'], '/apis/v1/namespaces/n/pingsources/tick');
      assert.equal(headers['ce-time'], '2025-01-01T00:01:00.250Z');
      assert.equal(headers['content-type'], 'application/json');
      assert.match(String(headers['ce-id']), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.equal(headers['ce-subject'], undefined);
    });
  });

  test('a sink that fails with 503 is tried again with the same event, one that fails with 500 is not', async () => {
    const clock = new PacedClock(start, 30_000);
    await pinging(
      (_, count) => ({ status: count === 1 ? 503 : 500 }),
      clock,
      async (sink, _, broker) => {
        await broker.tick('tick');
        assert.equal(sink.received.length, 2);
        assert.equal(new Set(sink.header('ce-id')).size, 1);
        assert.ok(clock.pauses.includes(100));
      },
    );
  });

  test('a sink that is away costs the tick, not the next one', async () => {
    const clock = new PacedClock(start, 30_000);
    await pinging(
      (_, count) => (count <= 6 ? 'cut' : { status: 202 }),
      clock,
      async (sink, _, broker) => {
        await broker.tick();
        assert.equal(sink.received.length, 6);
        await broker.tick();
        assert.equal(sink.received.length, 7);
      },
    );
  });
});
