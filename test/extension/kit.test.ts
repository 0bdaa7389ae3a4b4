/** The kit over HTTP: what a function gets, what its reply becomes, and that no reply leaves that a Broker would choke on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { couldMatch } from '../../shared/dev-broker/could-match.ts';
import { passes } from '../../shared/dev-broker/filters.ts';
import { parseWiring } from '../../shared/dev-broker/read-wiring.ts';
import { defineFunction, type ExtensionFunction, type Handled, type Reply, segmentType } from '../../shared/extension/index.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import { parseSegmentEvent } from '../../shared/spans/segment-event.ts';
import { eventJson } from '../helpers/event.ts';
import { bodyOf, runExtension } from '../helpers/extension.ts';
import { segmentOf, spanOf, traceId } from '../helpers/segment.ts';
import { metricOf } from '../helpers/surroundings.ts';
import { until } from '../helpers/until.ts';

const changed = `${segmentType}.changed`;
const segment = segmentOf([spanOf({ statusMessage: 'é', attributes: { a: 1 } })], { cluster: 'c', rootName: 'wéb' });

function replying(handle: () => Handled | Promise<Handled>, more: { readonly hopsMost?: number } = {}): ExtensionFunction {
  return defineFunction({ name: 'ours', types: [segmentType], replies: [changed], handle, ...more });
}

describe('a reply', () => {
  it('is the event that came in with what the function changes; the same event always gets the same', async () => {
    await using ours = await runExtension(replying(() => ({ type: changed, extensions: { flip: 'heads' } })));
    const body = bodyOf(segment, { knativearrivaltime: '2026-01-01T00:00:00Z', knativebrokerttl: '9' });
    const { status, reply } = await ours.send(body);
    assert.equal(status, 200);
    const sent = JSON.parse(body);
    assert.deepEqual(reply, {
      id: reply?.id,
      source: '/knspan/ours',
      type: changed,
      // Encoded by the correlator: a Broker's SDK would not do it.
      subject: 'shop/Deployment/w%C3%A9b',
      time: sent.time,
      dataContentType: 'application/json',
      extensions: {
        traceid: traceId,
        cluster: 'c',
        namespace: 'shop',
        rootkind: 'Deployment',
        rootname: 'w%C3%A9b',
        severity: 'ok',
        spancount: '1',
        root: 'true',
        part: '1',
        parts: '1',
        flip: 'heads',
        hops: '1',
      },
      data: sent.data,
    });
    assert.deepEqual((await ours.send(body)).reply, reply);
    assert.notEqual((await ours.send(bodyOf(segment, { id: 'other' }))).reply?.id, reply?.id);
  });

  it('may change the spans: attributes go along', async () => {
    const spans = [spanOf({ title: 'new' }), spanOf({ spanId: '0000000000000002', status: 'error' })];
    await using ours = await runExtension(replying(() => ({ type: changed, segment: segmentOf(spans) })));
    const { reply } = await ours.send(bodyOf(segment));
    assert.ok(reply);
    const parsed = parseSegmentEvent(reply);
    assert.ok(parsed.ok);
    assert.deepEqual(
      parsed.value.segment.spans,
      spans.map((span) => ({ ...span, title: span.title })),
    );
    assert.equal(reply.extensions['spancount'], '2');
    assert.equal(reply.extensions['severity'], 'error');
  });

  it('may be data of its own, and none is 204', async () => {
    const said: Reply[] = [{ type: changed, data: { any: ['thing'] }, subject: 's' }];
    await using ours = await runExtension(replying(() => said.pop()));
    const { reply } = await ours.send(bodyOf(segment));
    assert.deepEqual([reply?.data, reply?.subject, reply?.dataContentType], [{ any: ['thing'] }, 's', 'application/json']);
    assert.deepEqual(await ours.send(bodyOf(segment)), { status: 204, reply: undefined, text: '' });
    const text = await ours.metrics.text();
    assert.equal(metricOf(text, 'knspan_extension_events_total{outcome="replied"}'), 1);
    assert.equal(metricOf(text, 'knspan_extension_events_total{outcome="accepted"}'), 1);
  });

  const faults: Readonly<Record<string, Reply>> = {
    "its type is 'x', wanted one of its 'replies'": { type: 'x' },
    'wanted a free name': { type: changed, extensions: { 'Not-a-name': 'x' } },
    "named 'id'": { type: changed, extensions: { id: 'x' } },
    "named 'knativebrokerttl'": { type: changed, extensions: { knativebrokerttl: '1' } },
    "'flip' is not text": { type: changed, extensions: { flip: '' } },
    'its segment has no spans': { type: changed, segment: segmentOf([]) },
    'wanted one of them': { type: changed, segment, data: {} },
    'wanted at most 921600': { type: changed, data: 'x'.repeat(1024 * 1024) },
  };
  for (const [reason, reply] of Object.entries(faults)) {
    it(`is refused for good: ${reason}`, async () => {
      await using ours = await runExtension(replying(() => reply));
      const { status, text } = await ours.send(bodyOf(segment));
      assert.equal(status, 422);
      assert.ok(text.startsWith('Cannot reply: ') && text.includes(reason), text);
    });
  }

  it('goes to K_SINK where the sender takes none, and is refused where there is no K_SINK: never lost', async () => {
    const sent: string[] = [];
    const sink = {
      send: async (body: string) => ({ kind: sent.push(body) > 1 ? ('retry' as const) : ('accepted' as const), reason: 'r' }),
      close: () => {},
    };
    await using bound = await runExtension(
      replying(() => ({ type: changed, extensions: { flip: 'ü' } })),
      {},
      { sink },
    );
    assert.deepEqual(await bound.send(bodyOf(segment), {}), { status: 204, reply: undefined, text: '' });
    assert.equal(JSON.parse(sent[0] ?? '').type, changed);
    const viaBroker = await bound.send(bodyOf(segment));
    assert.deepEqual(JSON.parse(sent[0] ?? '').data, viaBroker.reply?.data);
    assert.equal(JSON.parse(sent[0] ?? '').id, viaBroker.reply?.id);
    assert.equal(decodeURIComponent(JSON.parse(sent[0] ?? '').flip), viaBroker.reply?.extensions['flip']);
    assert.equal((await bound.send(bodyOf(segment), {})).status, 503);
    await using unbound = await runExtension(replying(() => ({ type: changed })));
    assert.equal((await unbound.send(bodyOf(segment), {})).status, 422);
  });
});

describe('an event', () => {
  it('comes typed: segments, Kubernetes Events, all others', async () => {
    const got: unknown[] = [];
    const all = defineFunction({
      name: 'all',
      types: [segmentType, 'dev.knative.apiserver.resource.add', 'any'],
      handle: (event) => {
        if (event.kind === 'segment') got.push(event.segment.rootName);
        else if (event.kind === 'event') got.push(event.observation.reason);
        else got.push(event.data);
      },
    });
    await using ours = await runExtension(all);
    await ours.send(bodyOf(segment));
    const other = { specversion: '1.0', id: '1', source: '/s' };
    await ours.send(JSON.stringify({ ...other, type: 'dev.knative.apiserver.resource.add', data: eventJson({ reason: 'Pulled' }) }));
    await ours.send(JSON.stringify({ ...other, type: 'any', data: { x: 1 } }));
    assert.deepEqual(got, ['wéb', 'Pulled', { x: 1 }]);
  });

  it('of another type, or that is not what its type says, is refused for good', async () => {
    await using ours = await runExtension(replying(() => null));
    const { status, text } = await ours.send(bodyOf(segment, { type: 'x' }));
    assert.deepEqual([status, text], [400, `Cannot accept event: its type is 'x', wanted '${segmentType}'`]);
    const broken = JSON.stringify({ ...JSON.parse(bodyOf(segment)), data: { resourceSpans: 1 } });
    assert.equal((await ours.send(broken)).status, 400);
    assert.equal(
      (await ours.send(`[${bodyOf(segment)},${bodyOf(segment)}]`, { 'content-type': 'application/cloudevents-batch+json' })).status,
      400,
    );
  });

  it('whose function throws is tried again, and so is one whose function takes too long', async () => {
    await using throwing = await runExtension(
      replying(() => {
        throw new Error('no luck');
      }),
    );
    const thrown = await throwing.send(bodyOf(segment));
    assert.deepEqual([thrown.status, thrown.text], [500, 'Cannot handle event: ours failed: no luck']);
    const clock = new ManualClock(0);
    await using hanging = await runExtension(
      replying(() => new Promise(() => {})),
      {},
      {},
      clock,
    );
    const answer = hanging.send(bodyOf(segment));
    await until('it waits', () => clock.sleeping === 1);
    await clock.advance(4_000);
    assert.equal((await answer).status, 503);
  });

  it('that was made of too many others gets no reply: a loop ends', async () => {
    await using ours = await runExtension(replying(() => ({ type: changed }), { hopsMost: 3 }));
    assert.equal((await ours.send(bodyOf(segment, { hops: '2' }))).reply?.extensions['hops'], '3');
    assert.equal((await ours.send(bodyOf(segment, { hops: '3' }))).status, 204);
    assert.equal(metricOf(await ours.metrics.text(), 'knspan_extension_events_total{outcome="ended"}'), 1);
  });

  it('that is checked is handled twice, and replies that differ are refused', async () => {
    let count = 0;
    const random = replying(() => {
      count += 1;
      return { type: changed, extensions: { count: String(count) } };
    });
    await using ours = await runExtension(random, {}, { checks: true });
    assert.equal((await ours.send(bodyOf(segment))).status, 422);
  });
});

describe('a loop', () => {
  const service = {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name: 'ours' },
    spec: { template: { spec: { containers: [{ image: 'x' }] } } },
  };
  const broker = { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', metadata: { name: 'traces' } };
  const wiringOf = (...filters: unknown[]) =>
    parseWiring(
      [
        broker,
        service,
        ...filters.map((filter, index) => ({
          apiVersion: 'eventing.knative.dev/v1',
          kind: 'Trigger',
          metadata: { name: `t${index}` },
          spec: {
            broker: 'traces',
            filters: filter,
            subscriber: { ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'ours' } },
          },
        })),
      ].map((object, index) => ({ file: `${index}.yaml`, text: JSON.stringify(object) })),
    );

  it('of a function that takes its own reply is refused where it is defined', () => {
    assert.throws(() => defineFunction({ name: 'ours', types: ['a'], replies: ['a'], handle: () => null }), /takes its own reply 'a'/);
    assert.ok(defineFunction({ name: 'ours', types: ['a'], replies: ['a'], loops: true, handle: () => null }));
  });

  it('through its own Trigger is refused at the start', async () => {
    const start = async (...filters: unknown[]) => {
      await using _ = await runExtension(
        replying(() => null),
        {},
        { wiring: wiringOf(...filters) },
      );
    };
    await start([{ exact: { type: segmentType } }]);
    await start([{ any: [{ exact: { type: segmentType } }, { suffix: { type: '.other' } }] }]);
    await start([{ not: { prefix: { type: `${segmentType}.` } } }]);
    const refused =
      /Cannot start ours: its reply 'dev.knspan.trace.segment.changed' would match its own Trigger 'default\/t\d' and come back/;
    await assert.rejects(start([]), refused);
    await assert.rejects(start([{ prefix: { type: segmentType } }]), refused);
    await assert.rejects(start([{ exact: { type: segmentType } }], [{ exact: { type: changed, flip: 'heads' } }]), refused);
    await assert.rejects(start([{ prefix: { type: 'dev.' } }, { exact: { flip: 'heads' } }]), refused);
  });

  it('is told certainly only where it is certain: against all values that the other attributes may have', () => {
    const value = fc.constantFrom('a', 'b');
    const leaf = fc.record({ exact: fc.dictionary(fc.constantFrom('type', 'x'), value, { minKeys: 1, maxKeys: 2 }) });
    const filter = fc.letrec((tie) => ({
      one: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.record({ not: tie('one') }),
        fc.record({ any: fc.array(tie('one'), { minLength: 1, maxLength: 3 }) }),
        fc.record({ all: fc.array(tie('one'), { minLength: 1, maxLength: 3 }) }),
      ),
    })).one;
    fc.assert(
      fc.property(filter, (one) => {
        const [trigger] = wiringOf([one]).triggers;
        assert.ok(trigger);
        const may = couldMatch(trigger.filter, new Map([['type', 'a']]));
        const attributes = [undefined, 'a', 'b', 'c'].map((x) => new Map([['type', 'a'], ...(x === undefined ? [] : [['x', x] as const])]));
        const results = attributes.map((all) => (passes(trigger.filter, all) ? 'yes' : 'no'));
        if (may !== 'maybe')
          assert.ok(
            results.every((result) => result === may),
            JSON.stringify(one),
          );
      }),
      { numRuns: 300 },
    );
  });
});
