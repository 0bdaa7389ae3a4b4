/** Placement of single runtime spans in handmade traces: slow webhooks, waits, clocks, edits, deletions, nonsense spans. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isoOf } from '../../shared/correlation/rendering/intervals.ts';
import { copiesByTrace } from '../../shared/runtime-spans/index.ts';
import type { RuntimeSpan } from '../../shared/runtime-spans/runtime-span.ts';
import { tracesOf } from '../../shared/runtime-spans/runtime-trace.ts';
import { outlineOf } from '../../shared/runtime-spans/trace-outline.ts';
import type { Attributes, Span } from '../../shared/spans/span.ts';
import { runtimeSpan, served } from '../helpers/runtime-span.ts';
import { began, segmentOf, spanOf } from '../helpers/segment.ts';

const ms = 1_000;
const second = 1_000 * ms;
const at = (from: number) => began + from * ms;

let ids = 100;
function event(parent: Span, name: string, from: number, to: number, attributes: Attributes): Span {
  const spanId = (++ids).toString(16).padStart(16, '0');
  const own = {
    'k8s.event.uid': `e-${spanId}`,
    'k8s.event.name': `x.${spanId}`,
    'k8s.event.time': isoOf(at(from)),
    'k8s.namespace.name': 'shop',
  };
  return spanOf({
    parentSpanId: parent.spanId,
    spanId,
    name,
    title: name,
    start: at(from),
    end: at(to),
    attributes: { ...own, ...attributes },
  });
}

const about = (kind: string, name: string, uid = '') => ({ 'k8s.object.kind': kind, 'k8s.object.name': name, 'k8s.object.uid': uid });
const root = spanOf({
  title: 'Deployment shop/web: rollout',
  end: at(60_000),
  attributes: { ...about('Deployment', 'web'), 'knspan.change': 'rollout', 'k8s.namespace.name': 'shop' },
});
const scale = event(root, 'scale-up ReplicaSet', 0, 50_000, {
  ...about('Deployment', 'web'),
  'k8s.event.reason': 'ScalingReplicaSet',
  'knspan.subject': 'ReplicaSet/shop/web-5d',
});
const create = event(scale, 'create Pod', 3_000, 50_000, {
  ...about('ReplicaSet', 'web-5d'),
  'k8s.event.reason': 'SuccessfulCreate',
  'knspan.subject': 'Pod/shop/web-5d-x',
});
const schedule = event(create, 'schedule', 3_010, 3_020, {
  ...about('Pod', 'web-5d-x', 'u-1'),
  'k8s.event.reason': 'Scheduled',
  'knspan.reporter.instance': 'scheduler-1',
});
const started = event(create, 'start container', 40_000, 40_500, {
  ...about('Pod', 'web-5d-x', 'u-1'),
  'k8s.event.reason': 'Created',
  'k8s.container.name': 'app',
  'knspan.reporter.instance': 'node-1',
});
const rollout = segmentOf([root, scale, create, schedule, started]);

let traces = 0;
/** A trace of its own. */
function trace(...spans: RuntimeSpan[]): RuntimeSpan[] {
  const traceId = (++traces).toString(16).padStart(32, '0');
  return spans.map((span) => ({ ...span, traceId }));
}

function joined(segments: readonly Parameters<typeof outlineOf>[0][], ...spans: readonly RuntimeSpan[]): Span[] {
  return [...copiesByTrace(segments.map(outlineOf), tracesOf(spans), Number.POSITIVE_INFINITY).values()].flat();
}

const parentOf = (copy: Span | undefined, spans: readonly Span[] = rollout.spans) =>
  spans.find(({ spanId }) => spanId === copy?.parentSpanId)?.name;
const stored = (key: string, fields: Partial<RuntimeSpan> = {}) => runtimeSpan({ name: 'Create etcd3', attributes: { key }, ...fields });
const pass = (from: number, to: number, fields: Partial<RuntimeSpan> = {}) => {
  const { attributes, ...rest } = fields;
  const pod = { 'k8s.pod.uid': 'u-1', 'k8s.pod.name': 'web-5d-x', 'k8s.namespace.name': 'shop', 'k8s.pod.update_type': 'sync' };
  return runtimeSpan({
    name: 'syncPod',
    service: 'kubelet',
    node: 'node-1',
    start: at(from),
    end: at(to),
    attributes: { ...pod, ...attributes },
    ...rest,
  });
};
const call = (method: string, parent: RuntimeSpan, from: number, to: number, fields: Partial<RuntimeSpan> = {}) =>
  runtimeSpan({
    name: `runtime.v1.RuntimeService/${method}`,
    kind: 'client',
    service: 'kubelet',
    parentSpanId: parent.spanId,
    start: at(from),
    end: at(to),
    ...fields,
  });

describe('a slow admission webhook', () => {
  const head = served('POST', '/api/v1/namespaces/shop/pods', {
    start: at(-40),
    end: at(2_998),
    attributes: { 'audit-id': 'a1', 'user_agent.original': 'x/system:serviceaccount:kube-system:replicaset-controller' },
  });
  const handler = runtimeSpan({
    name: 'Create',
    parentSpanId: 'f'.repeat(16),
    start: at(-30),
    end: at(2_997),
    attributes: { verb: 'POST', resource: 'pods', 'user-agent': 'x', 'audit-id': 'a1' },
  });
  const webhook = runtimeSpan({
    name: 'Call mutating webhook',
    parentSpanId: handler.spanId,
    start: at(-20),
    end: at(2_980),
    attributes: { webhook: 'slow.example.com' },
  });
  const etcd = stored('/pods/shop/web-5d-x', {
    parentSpanId: handler.spanId,
    start: at(2_985),
    end: at(2_995),
    attributes: { key: '/pods/shop/web-5d-x', 'audit-id': 'a1' },
  });
  const copies = joined([rollout], ...trace(head, handler, webhook, etcd));

  it('is the longest child of the request that it delayed, below the Event that tells of it', () => {
    const request = copies.find(({ title }) => title === 'API create pods/web-5d-x by replicaset-controller');
    assert.equal(parentOf(request), 'create Pod');
    const below = copies.filter(({ parentSpanId }) => parentSpanId === request?.spanId);
    assert.deepEqual(below.map(({ title }) => title).sort(), ['Call mutating webhook slow.example.com', 'Create etcd3']);
    const [longest] = below.sort((a, b) => tookOf(b) - tookOf(a));
    assert.equal(longest?.title, 'Call mutating webhook slow.example.com');
    assert.equal(tookOf(longest), 3 * second);
  });
});

function tookOf(copy: Span | undefined): number {
  const time = (key: string) => Date.parse(String(copy?.attributes[key])) * ms;
  return time('knspan.runtime.end') - time('knspan.runtime.start');
}

describe('time of a pod that no call accounts for', () => {
  it('is a wait inside of the pass, and between two passes with what the failed one said', () => {
    const message = 'network is not ready: container runtime network not ready: cni plugin not initialized';
    const first = pass(3_030, 3_040, { failed: true, statusMessage: message, attributes: { 'k8s.pod.update_type': 'create' } });
    const again = pass(15_000, 15_001, { failed: true, statusMessage: message });
    const last = pass(24_000, 41_000);
    const sandbox = call('RunPodSandbox', last, 25_000, 25_400);
    const copies = joined([rollout], ...trace(first), ...trace(again), ...trace(last, sandbox));
    const waits = copies
      .filter(({ name }) => name === 'wait')
      .map((span) => [span.title, (span.start - began) / ms, (span.end - began) / ms]);
    assert.deepEqual(waits, [
      [`wait: ${message}`, 3_040, 24_000],
      ['wait: volumes, secrets and cgroups', 24_000, 25_000],
    ]);
    assert.equal(copies.find(({ name }) => name === 'wait')?.attributes['knspan.wait.reason'], message);
  });

  it('is none while a container ran', () => {
    const first = pass(3_030, 3_500);
    const created = call('CreateContainer', first, 3_100, 3_400, {
      attributes: { 'container.id': 'c-1', 'container.name': 'app_web-5d-x_shop_u-1_0' },
    });
    const ran = runtimeSpan({ name: 'task.Wait', start: at(3_450), end: at(20_000), attributes: { 'task.id': 'c-1' } });
    const failed = pass(20_010, 20_011, {
      failed: true,
      statusMessage: 'failed to "StartContainer" for "app" with CrashLoopBackOff: "back-off 10s"',
    });
    const second = pass(30_000, 40_500);
    const restart = call('CreateContainer', second, 30_010, 39_999);
    const waits = joined([rollout], ...trace(first, created), ...trace(ran), ...trace(failed), ...trace(second, restart)).filter(
      ({ name }) => name === 'wait',
    );
    assert.deepEqual(
      waits.map(({ title, start, end }) => [title, (start - began) / ms, (end - began) / ms]),
      [['wait: CrashLoopBackOff: back-off 10s', 20_000, 30_000]],
    );
  });
});

describe('clocks', () => {
  const sent = runtimeSpan({
    name: 'HTTP PATCH',
    kind: 'client',
    service: 'kubelet',
    node: 'node-1',
    start: at(5_000),
    end: at(5_100),
    attributes: { 'http.method': 'PATCH', 'http.url': 'https://api/api/v1/namespaces/shop/pods/web-5d-x/status' },
  });
  const [client = sent] = trace(sent);
  const served5 = (from: number) =>
    served('PATCH', '/api/v1/namespaces/shop/pods/web-5d-x/status', {
      start: at(from),
      end: at(from + 50),
      links: [{ traceId: client.traceId, spanId: client.spanId }],
    });
  const last = pass(39_000, 41_000);
  const step = call('CreateContainer', last, 39_500, 40_000);

  it('that surely disagree make uncertain what a node tells of under the Event of another', () => {
    const copies = joined([rollout], client, ...trace(served5(4_700)), ...trace(last, step));
    const own = (title: string) => copies.find((copy) => copy.title === title)?.attributes['knspan.time.uncertainty_ms'];
    assert.equal(own('syncPod (sync)'), 300);
    assert.equal(own('CreateContainer'), undefined);
  });

  it('that may agree are let be', () => {
    const copies = joined([rollout], client, ...trace(served5(5_020)), ...trace(last, step));
    assert.ok(copies.every(({ attributes }) => attributes['knspan.time.uncertainty_ms'] === undefined));
  });
});

describe('a write to the root of a change', () => {
  const edit = (from: number) =>
    trace(
      served('PATCH', '/apis/apps/v1/namespaces/shop/deployments/web', {
        start: at(from - 10),
        end: at(from),
        attributes: { 'user_agent.original': 'kubectl/v1.32' },
      }),
    );

  it('hangs under the first Event about it', () => {
    const [copy, ...more] = joined([rollout], ...edit(-30));
    assert.deepEqual([copy?.title, parentOf(copy), more.length], ['API patch deployments/web by kubectl', 'scale-up ReplicaSet', 0]);
  });

  it('is left out where it came long before another, and where nothing followed', () => {
    assert.equal(joined([rollout], ...edit(-8_000), ...edit(-30)).length, 1);
    assert.equal(joined([rollout], ...edit(-20_000)).length, 0);
    assert.equal(joined([rollout], ...edit(55_000)).length, 0);
  });

  it('begins no run of the clock', () => {
    const cron = spanOf({
      attributes: { ...about('CronJob', 'daily'), 'knspan.change': 'run', 'k8s.namespace.name': 'shop' },
      end: at(10_000),
    });
    const job = event(cron, 'create Job', 100, 5_000, { ...about('CronJob', 'daily'), 'knspan.subject': 'Job/shop/daily-1' });
    const copies = joined(
      [segmentOf([cron, job])],
      ...trace(served('PATCH', '/apis/batch/v1/namespaces/shop/cronjobs/daily', { start: at(0), end: at(10) })),
    );
    assert.deepEqual(copies, []);
  });

  it('that deletes it stands at the top of what followed', () => {
    const gone = spanOf({
      attributes: { ...about('Deployment', 'web'), 'knspan.change': 'delete', 'k8s.namespace.name': 'shop' },
      end: at(100),
    });
    const stop = event(gone, 'stop container', 10, 90, { ...about('Pod', 'web-5d-x', 'u-1'), 'k8s.event.reason': 'Killing' });
    const copies = joined(
      [segmentOf([gone, stop])],
      ...trace(served('DELETE', '/apis/apps/v1/namespaces/shop/deployments/web', { start: at(-20), end: at(-5) })),
    );
    assert.deepEqual(
      copies.map(({ parentSpanId }) => parentSpanId),
      [gone.spanId],
    );
  });

  it('is none that deletes a collection', () => {
    const head = served('DELETE', '/api/v1/namespaces/shop/pods', { start: at(3_000), attributes: { 'audit-id': 'a2' } });
    const keys = ['/pods/shop/web-5d-x', '/pods/shop/web-5d-y'].map((key) => stored(key, { attributes: { key, 'audit-id': 'a2' } }));
    assert.deepEqual(joined([rollout], ...trace(head, ...keys)), []);
  });
});

describe('spans that make no sense', () => {
  it('a circle of parents is cut', () => {
    const head = pass(3_030, 4_000, { attributes: { 'k8s.pod.update_type': 'create' } });
    const one = call('RunPodSandbox', head, 3_100, 3_200, { spanId: 'c'.repeat(16), parentSpanId: 'd'.repeat(16) });
    const other = runtimeSpan({ spanId: 'd'.repeat(16), parentSpanId: 'c'.repeat(16) });
    const copies = joined([rollout], ...trace(head, one, other));
    assert.deepEqual(
      copies.map(({ title }) => title),
      ['syncPod (create)'],
    );
  });

  it('a chain of ten thousand parents ends', () => {
    const head = pass(3_030, 4_000, { attributes: { 'k8s.pod.update_type': 'create' } });
    const chain = [head];
    for (let depth = 0; depth < 10_000; depth += 1)
      chain.push(runtimeSpan({ parentSpanId: chain.at(-1)?.spanId ?? '', start: at(3_040), end: at(3_050) }));
    const copies = joined([rollout], ...trace(...chain));
    assert.ok(copies.length > 1 && copies.length < 100);
  });

  it('two spans of one id count once, whichever came first', () => {
    const head = pass(3_030, 4_000, { attributes: { 'k8s.pod.update_type': 'create' } });
    const [one = head, other = head] = trace(head, { ...head, end: at(5_000) });
    assert.deepEqual(joined([rollout], one, other), joined([rollout], other, one));
    assert.equal(joined([rollout], one, other).filter(({ name }) => name === 'syncPod').length, 1);
  });
});
