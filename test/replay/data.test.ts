/** Replays Event dumps of real clusters (test/replay/data, each with its source): every Event is shown, nothing fails, exceptions are listed. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load, loadRules } from '../../shared/cli/input/load-input.ts';
import { Pipeline } from '../../shared/cli/pipeline.ts';
import type { Segment, Span } from '../../shared/spans/span.ts';

const folder = fileURLToPath(new URL('./data/', import.meta.url));

async function replay(name: string): Promise<{ segments: Segment[]; uids: Set<string>; events: number }> {
  const rules = await loadRules([], false);
  assert.ok(rules.ok);
  const loaded = await load([join(folder, name)], { objects: [], stdin: Readable.from([]) });
  const pipeline = new Pipeline({ rules: rules.rules, objects: loaded.objects, cluster: 'data' });
  for (const observation of loaded.observations) pipeline.push(observation);
  return { segments: pipeline.finish(), uids: new Set(loaded.observations.map((one) => one.uid)), events: loaded.counts.events };
}

function toldUids(segments: readonly Segment[]): Set<string> {
  const told = new Set<string>();
  const add = (value: unknown) => {
    for (const uid of Array.isArray(value) ? value : [value]) if (typeof uid === 'string') told.add(uid);
  };
  for (const { spans } of segments) {
    for (const span of spans) {
      add(span.attributes['k8s.event.uid']);
      for (const event of span.events) add(event.attributes['k8s.event.uid']);
    }
  }
  return told;
}

function spansNamed(segments: readonly Segment[], title: RegExp): Span[] {
  return segments.flatMap((segment) => segment.spans).filter((span) => title.test(span.title));
}

describe('replay of real dumps', () => {
  for (const name of readdirSync(folder)) {
    it(`${name}: every event is told, children lie inside parents, one root a trace`, async () => {
      const { segments, uids, events } = await replay(name);
      assert.ok(events > 0);
      assert.deepEqual(
        [...uids].filter((uid) => !toldUids(segments).has(uid)),
        [],
      );
      for (const { spans } of segments) {
        const byId = new Map(spans.map((span) => [span.spanId, span]));
        assert.equal(spans.filter((span) => span.parentSpanId === '').length, 1);
        for (const span of spans) {
          assert.ok(span.end > span.start, span.title);
          assert.doesNotMatch(span.title, /^[ :]/, 'an object without kind or name');
          if (span.parentSpanId === '') continue;
          const parent = byId.get(span.parentSpanId);
          assert.ok(parent && parent.start <= span.start && parent.end >= span.end, span.title);
        }
      }
    });
  }

  it('the recorded rollout of two pods is one trace below the edit by kubectl, as a person would draw it', async () => {
    const { segments } = await replay('weaveworks-experiments__kspan');
    assert.equal(segments.length, 1);
    const spans = segments[0]?.spans ?? [];
    assert.equal(spans[0]?.title, 'Deployment default/px: rollout');
    assert.equal(spans[0]?.attributes['knspan.actor'], 'kubectl-client-side-apply');
    assert.equal(spans[0]?.attributes['knspan.events'], 19);
    const parentOf = (title: string) => {
      const span = spans.find((one) => one.title.startsWith(title));
      return spans.find((one) => one.spanId === span?.parentSpanId)?.title;
    };
    assert.equal(parentOf('create pod px-5d567cc74c-ss4lb'), 'scale px-5d567cc74c up to 1');
    assert.equal(parentOf('create pod px-5d567cc74c-pmvzr'), 'scale px-5d567cc74c up to 2');
    assert.equal(parentOf('delete pod px-7df978b9bf-jm22q'), 'scale px-7df978b9bf down to 1');
    assert.equal(parentOf('delete pod px-7df978b9bf-bfdrj'), 'scale px-7df978b9bf down to 0');
    assert.equal(parentOf('pull ghcr.io/stefanprodan/podinfo:5.0.0'), 'create pod px-5d567cc74c-ss4lb');
    for (const span of spans.filter((one) => one.attributes['knspan.phase'] && one.attributes['knspan.phase'] !== 'stop')) {
      assert.ok(span.end - span.start > 1_000, `${span.title} has a known duration`);
    }
  });

  it('hand-made events without kind or uid make a digest, not an error', async () => {
    const { segments } = await replay('openshift__must-gather-clean');
    assert.ok(segments.every((segment) => segment.severity === 'ok'));
    assert.ok(spansNamed(segments, /digest/).length > 0);
  });

  it('a waiting volume claim, a Helm job and a certificate each become one trace with their steps below', async () => {
    const { segments } = await replay('chris-sanders__troubleshoot-mcp-server');
    const claim = segments.find((segment) => segment.rootKind === 'PersistentVolumeClaim');
    assert.deepEqual(claim?.spans.filter((span) => span.attributes['knspan.phase'] === 'provision').length, 1);
    const helm = segments.filter((segment) => segment.rootKind === 'HelmChart');
    assert.ok(helm.some((segment) => segment.spans.some((span) => /create job|ApplyJob|create pod/.test(span.title))));
    const certificate = segments.find((segment) => segment.rootKind === 'Certificate' && segment.spans.length > 2);
    assert.ok(certificate);
  });
});
