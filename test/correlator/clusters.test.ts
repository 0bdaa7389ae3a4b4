/**
 * Several clusters on one Broker, one correlator and one store, as with the overlays `multi-cluster` and `member-cluster`: equal names and uids
 * do not mix, and each cluster's owners come from its own object feed.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Notification, sendAll } from '../../shared/cli/live/apiserver-notifications.ts';
import { notificationsOf, playAll } from '../../shared/cli/local/replay-through-http.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import type { Span } from '../../shared/spans/span.ts';
import { startLocal } from '../helpers/local-run.ts';
import { OtlpReceiver } from '../helpers/otlp-receiver.ts';
import { folderOf, loadCapture, pipelineOver } from '../helpers/trace.ts';

const capture = 'deployment-rollout';
const clusters = ['cluster-1', 'cluster-2'];
const isAboutPod = (object: unknown) => /"involvedObject":\{[^}]*"kind":"Pod"/.test(JSON.stringify(object));
const line = ({ traceId, spanId, parentSpanId, name, start, end }: Span) => [traceId, spanId, parentSpanId, name, start, end].join(' ');
const of = <T extends Notification>(notices: readonly T[], cluster: string): T[] => notices.map((notice) => ({ ...notice, cluster }));

/** What the clusters' sources send, in event time, through one Broker: the spans that the backend gets, by cluster. */
async function through(fed: readonly string[]): Promise<Map<string, string[]>> {
  const backend = new OtlpReceiver();
  const { events, objects } = await notificationsOf(
    [join(folderOf(capture), 'watch.jsonl')],
    [join(folderOf(capture), 'objects-watch.jsonl')],
  );
  const pods = clusters.flatMap((cluster) => of(events, cluster)).filter(({ object }) => isAboutPod(object));
  const clock = new ManualClock(events[0]?.at ?? 0);
  const logged: string[] = [];
  const run = await startLocal({
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: await backend.start(), KNSPAN_CLUSTER: 'cluster-1', KNSPAN_TICK_TIMEOUT: '5m' },
    clock,
    logLevel: 'error',
    log: (text) => logged.push(text),
    port: 0,
    host: '127.0.0.1',
    correlators: 1,
    exports: true,
    reconciles: false,
    beats: false,
    overlays: [],
  });
  for (const cluster of fed) await sendAll(run.url, of(objects, cluster), 8);
  await playAll(
    run,
    clock,
    pods.sort((a, b) => a.at - b.at),
  );
  await run.close();
  await backend.stop();
  assert.deepEqual(logged, []);
  const told = (cluster: string) => backend.requests.filter((request) => request.cluster === cluster).flatMap(({ spans }) => spans);
  return new Map(clusters.map((cluster) => [cluster, told(cluster).map(line).sort()]));
}

/** Pods alone: who owns them no Event says. */
async function direct(cluster: string, isFed: boolean): Promise<Span[]> {
  const { observations, objects } = await loadCapture(capture, 'full');
  const pipeline = pipelineOver(isFed ? objects : new ObjectIndex(), 1_000, cluster);
  for (const observation of observations) if (observation.involved.kind === 'Pod') pipeline.push(observation);
  return pipeline.finish().flatMap(({ spans }) => spans);
}

const tracesOf = (spans: readonly string[]) => new Set(spans.map((text) => text.split(' ')[0]));

describe('two clusters on one Broker', () => {
  it('with equal names and uids do not mix: each has the traces of its own replay', async () => {
    const found = await through(clusters);
    for (const cluster of clusters) assert.deepEqual(found.get(cluster), (await direct(cluster, true)).map(line).sort(), cluster);
    const traces = clusters.flatMap((cluster) => [...tracesOf(found.get(cluster) ?? [])]);
    assert.equal(new Set(traces).size, traces.length, 'no trace is of two clusters');
  });

  it('learn owners from their own feed: what one feeds says nothing of the other', async () => {
    const found = await through(['cluster-2']);
    const [unfed, fed] = [await direct('cluster-1', false), await direct('cluster-2', true)];
    assert.notEqual(tracesOf(unfed.map(line)).size, tracesOf(fed.map(line)).size, 'the capture shows whether owners are known');
    assert.deepEqual(found.get('cluster-1'), unfed.map(line).sort());
    assert.deepEqual(found.get('cluster-2'), fed.map(line).sort());
  });
});
