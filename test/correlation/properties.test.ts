/** Invariants of traces for any Events: generated clusters and garbage, 1,000 runs each; a failure prints its seed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { deliver } from '../../shared/cli/simulated-delivery.ts';
import { defaultConfig } from '../../shared/correlation/config.ts';
import { emptyContext, emptyKeep, ledgerRemembered, objectsRemembered } from '../../shared/correlation/context.ts';
import { correlate } from '../../shared/correlation/correlate.ts';
import type { Observation } from '../../shared/events/observation.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { meaningWith } from '../helpers/meaning.ts';
import { observation } from '../helpers/observation.ts';
import { checkShape, checkTold, pipelineOver, textOf } from '../helpers/trace.ts';

/** A fixed seed keeps the gate steady; KNSPAN_SEED looks further. */
const runs = { numRuns: 1_000, seed: Number(process.env['KNSPAN_SEED'] ?? 20_261_126) };
const began = Date.UTC(2026, 5, 1) * 1_000;

/** Where a rule wants the group as well. */
const versions: Readonly<Record<string, string>> = { Kustomization: 'kustomize.toolkit.fluxcd.io/v1' };

/** Kinds of Events that a small cluster writes: reporter, involved kind and name, reason, message. */
const names = fc.constantFrom('a', 'b');
const pods = fc.constantFrom('a-6d4cf-x7k2p', 'a-6d4cf-p9z4q', 'b-0', 'b-1', 'a-29920123-vv5ts');
const fragments: fc.Arbitrary<string[]> = fc.oneof(
  fc
    .tuple(names, fc.nat(5), fc.nat(5))
    .map(([name, from, to]) => [
      'deployment-controller',
      'Deployment',
      name,
      'ScalingReplicaSet',
      `Scaled ${to > from ? 'up' : 'down'} replica set ${name}-6d4cf from ${from} to ${to}`,
    ]),
  pods.map((pod) => ['replicaset-controller', 'ReplicaSet', 'a-6d4cf', 'SuccessfulCreate', `Created pod: ${pod}`]),
  pods.map((pod) => ['replicaset-controller', 'ReplicaSet', 'a-6d4cf', 'SuccessfulDelete', `Deleted pod: ${pod}`]),
  fc
    .tuple(fc.constantFrom('create', 'delete'), fc.constantFrom('b-0', 'b-1'))
    .map(([verb, pod]) => [
      'statefulset-controller',
      'StatefulSet',
      'b',
      verb === 'create' ? 'SuccessfulCreate' : 'SuccessfulDelete',
      `${verb} Pod ${pod} in StatefulSet b successful`,
    ]),
  fc
    .constantFrom('created', 'configured', 'deleted')
    .map((done) => ['kustomize-controller', 'Kustomization', 'tools', 'Progressing', `Deployment/ns/a ${done}`]),
  fc
    .constantFrom('b-0', 'b-1')
    .map((pod) => [
      'statefulset-controller',
      'StatefulSet',
      'b',
      'RecreatingFailedPod',
      `StatefulSet ns/b is recreating failed Pod ${pod}`,
    ]),
  pods.map((pod) => ['node-controller', 'Pod', pod, 'NodeNotReady', 'Node is not ready']),
  fc.constant<string[]>(['cronjob-controller', 'CronJob', 'a', 'SuccessfulCreate', 'Created job a-29920123']),
  fc.constant<string[]>(['job-controller', 'Job', 'a-29920123', 'Completed', 'Job completed']),
  fc
    .constantFrom(['Suspended', 'Job suspended'], ['Resumed', 'Job resumed'], ['SuccessfulCreate', 'Created pod: a-29920123-vv5ts'])
    .chain((told) => fc.constantFrom('a-29920123', 'b').map((job) => ['job-controller', 'Job', job, ...told])),
  fc.constant<string[]>(['cronjob-controller', 'CronJob', 'a', 'SawCompletedJob', 'Saw completed job: a-29920123, condition: Complete']),
  fc
    .constantFrom('NodeNotSchedulable', 'NodeSchedulable', 'NodeNotReady', 'NodeReady')
    .map((reason) => ['kubelet', 'Node', 'n1', reason, `Node n1 status is now: ${reason}`]),
  fc
    .tuple(
      pods,
      fc.constantFrom(
        ['Scheduled', 'Successfully assigned ns/x to n1'],
        ['FailedScheduling', '0/1 nodes are available'],
        ['Pulling', 'Pulling image "x"'],
        ['Pulled', 'Successfully pulled image "x" in 300ms (400ms including waiting). Image size: 5 bytes.'],
        ['Pulled', 'Container image "x" already present on machine'],
        ['Failed', 'Failed to pull image "x": no'],
        ['Created', 'Created container: app'],
        ['Started', 'Started container app'],
        ['BackOff', 'Back-off restarting failed container app in pod x'],
        ['Unhealthy', 'Liveness probe failed: no'],
        ['Killing', 'Stopping container app'],
        ['Killing', 'Container app failed liveness probe, will be restarted'],
        ['TaintManagerEviction', 'Marking for deletion Pod ns/x'],
        ['SomethingNew', 'nobody knows'],
      ),
    )
    .map(([pod, what]) => ['kubelet', 'Pod', pod, ...what]),
);

const repeatsAfter = 11_000_000;
const stampOf = (time: number) => `${new Date(time / 1_000).toISOString().slice(0, 19)}Z`;

const generated = fc
  .array(
    fc.record({
      fragment: fragments,
      delay: fc.integer({ min: 0, max: 40_000_000 }),
      pause: fc.constantFrom(1, 1, 1, 20),
      count: fc.integer({ min: 1, max: 4 }),
      second: fc.boolean(),
      life: fc.nat(1),
    }),
    { minLength: 1, maxLength: 40, size: 'max' },
  )
  .map((steps) => {
    let at = began;
    return steps.map((step, index) => {
      at += step.delay % 7 === 0 ? step.delay * step.pause : step.delay % 300_000;
      const [reporter, kind, name, reason, message] = step.fragment;
      const last = at + (step.count - 1) * repeatsAfter;
      return {
        kind: 'Event',
        began: at,
        metadata: {
          name: step.second ? `${name}.hand-made-${index}` : `${name}.${(BigInt(at) * 1_000n).toString(16)}`,
          namespace: 'ns',
          uid: `e${index}`,
          resourceVersion: String(100 + index),
        },
        involvedObject: {
          apiVersion: versions[String(kind)] ?? '',
          kind,
          namespace: 'ns',
          name,
          uid: `${kind}-${name}-${kind === 'Pod' ? step.life : 0}`,
          ...(kind === 'Pod' ? { fieldPath: 'spec.containers{app}' } : {}),
        },
        reason,
        message,
        count: step.count,
        firstTimestamp: stampOf(at),
        lastTimestamp: stampOf(last),
        source: { component: reporter, host: reporter === 'kubelet' ? 'n1' : '' },
        type: 'Normal',
      };
    });
  });

/**
 * The same clusters as a watch shows them: an Event that repeats is notified once for its first occurrence, which is in time only so,
 * and for some of the others.
 */
const notified = generated.chain((events) =>
  fc.array(fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), { minLength: events.length, maxLength: events.length }).map((seen) => {
    const notifications = events.flatMap((event, index) =>
      Array.from({ length: event.count }, (_, before) => {
        const at = event.began + before * repeatsAfter;
        return {
          at,
          notification: { ...event, count: before + 1, lastTimestamp: stampOf(at) },
          isSeen: before === 0 || seen[index]?.[before - 1],
        };
      }),
    );
    const inOrder = notifications.filter(({ isSeen }) => isSeen).sort((a, b) => a.at - b.at);
    return inOrder.map(({ notification }, index) => ({
      ...notification,
      metadata: { ...notification.metadata, resourceVersion: String(100 + index) },
    }));
  }),
);

function observationsOf(events: readonly unknown[]): Observation[] {
  return events.map((event) => {
    const parsed = parseEvent(event);
    assert.ok(parsed.ok);
    return parsed.value;
  });
}

function tracesOf(observations: readonly Observation[]) {
  const pipeline = pipelineOver(new ObjectIndex());
  for (const observation of observations) pipeline.push(observation);
  return pipeline.finish();
}

describe('properties of traces', () => {
  it('a generated cluster: every occurrence once, children inside parents, one root a trace', () => {
    fc.assert(
      fc.property(generated, (events) => {
        const observations = observationsOf(events);
        const segments = tracesOf(observations);
        checkShape(segments);
        checkTold(segments, observations);
      }),
      runs,
    );
  });

  it('a generated cluster: any order and any duplication gives the same spans', () => {
    fc.assert(
      fc.property(
        generated.chain((events) =>
          fc.tuple(fc.constant(events), fc.shuffledSubarray([...events, ...events], { minLength: events.length * 2 })),
        ),
        ([events, mixed]) => {
          assert.deepEqual(textOf(tracesOf(observationsOf(mixed))), textOf(tracesOf(observationsOf(events))));
        },
      ),
      runs,
    );
  });

  it('a generated cluster: any split over calls within the lateness gives the same spans, also of Events that repeat', () => {
    fc.assert(
      fc.property(notified, fc.nat(), fc.integer({ min: 1, max: 12 }), (events, seed, calls) => {
        const observations = observationsOf(events);
        const got = deliver(pipelineOver(new ObjectIndex()), observations, { seed, duplicate: 0.3, calls });
        assert.deepEqual(textOf(got), textOf(tracesOf(observations)));
      }),
      runs,
    );
  });

  it('garbage: nothing throws, everything is told once', () => {
    const text = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('', 'Pod', 'a:b', 'UPPER', '__proto__', '\u001b[31m'));
    const ref = fc.record({ apiVersion: text, kind: text, namespace: text, name: text, uid: text });
    const time = fc.oneof(fc.constantFrom(0, began, began + 1), fc.integer({ min: 0, max: 4_000_000_000_000_000 }));
    const garbage = fc.record({
      involved: ref,
      reason: text,
      message: text,
      reporter: text,
      n: fc.integer({ min: 1, max: 50 }),
      first: time,
      last: time,
      warning: fc.boolean(),
      related: fc.option(ref),
    });
    fc.assert(
      fc.property(fc.array(garbage, { maxLength: 12 }), (list) => {
        const observations = list.map(
          (one, index): Observation =>
            observation({
              uid: `g${index}`,
              name: '',
              namespace: '',
              resourceVersion: '',
              n: one.n,
              first: { at: Math.min(one.first, one.last), uncertainty: 0 },
              last: { at: one.n === 1 ? Math.min(one.first, one.last) : Math.max(one.first, one.last), uncertainty: 999_999 },
              reporter: one.reporter,
              instance: '',
              type: one.warning ? 'Warning' : 'Normal',
              reason: one.reason,
              action: '',
              message: one.message,
              merged: false,
              involved: one.involved,
              involvedVersion: '',
              fieldPath: '',
              container: '',
              related: one.related,
              annotations: {},
            }),
        );
        const segments = tracesOf(observations);
        checkShape(segments);
        checkTold(segments, observations);
      }),
      runs,
    );
  });

  it('owners in a circle ten thousand long end nowhere and throw nothing', () => {
    const objects = new ObjectIndex();
    const ref = (index: number) => ({ apiVersion: 'v1', kind: 'Widget', namespace: 'ns', name: `w${index}`, uid: `w-${index}` });
    const rest = {
      resourceVersion: '1',
      generation: 1,
      createdAt: null,
      deletionAt: null,
      edits: [],
      labels: {},
      annotations: {},
      target: null,
      claims: [],
      nodeName: '',
      replicas: null,
      conditions: [],
      containers: [],
    };
    for (let index = 0; index < 10_000; index += 1)
      objects.add({ object: { ...ref(index), ...rest, owner: ref((index + 1) % 10_000) }, seenAt: null, gone: false });
    const event = {
      kind: 'Event',
      metadata: { name: 'x', namespace: 'ns', uid: 'e' },
      involvedObject: ref(0),
      reason: 'Created',
      message: 'Created x',
      firstTimestamp: '2026-06-01T00:00:00Z',
    };
    const pipeline = pipelineOver(objects);
    for (const observation of observationsOf([event])) pipeline.push(observation);
    checkShape(pipeline.finish());
  });

  it('the context holds no more than its bounds and is plain data', () => {
    fc.assert(
      fc.property(generated, (events) => {
        const routed = observationsOf(events).map((observation) => ({
          observation,
          meaning: meaningWith({ firstSign: true }),
          chain: [observation.involved],
          owners: 1,
          tellsFirst: true,
        }));
        const { context } = correlate(
          { observations: routed, keep: emptyKeep, objects: new ObjectIndex(), context: emptyContext(), now: Number.POSITIVE_INFINITY },
          defaultConfig,
        );
        assert.deepEqual(JSON.parse(JSON.stringify(context)), context);
        assert.ok(Object.keys(context.objects).length <= Math.min(objectsRemembered, events.length));
        assert.ok(Object.keys(context.ledger).length <= Math.min(ledgerRemembered, events.length * 2));
        assert.ok(JSON.stringify(context).length <= 2_000 + events.length * 3_000, 'about 3 kB an event at most');
      }),
      { numRuns: 200 },
    );
  });
});
