/** Runtime spans of recorded changes: each under the Event that it explains, whatever the order in which they come. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { copiesByTrace } from '../../shared/runtime-spans/index.ts';
import { SpanBatch } from '../../shared/runtime-spans/read/make-span.ts';
import { readOtlpJson } from '../../shared/runtime-spans/read/otlp-json.ts';
import type { RuntimeSpan } from '../../shared/runtime-spans/runtime-span.ts';
import { traceOf } from '../../shared/runtime-spans/runtime-trace.ts';
import { screen } from '../../shared/runtime-spans/screen.ts';
import { outlineOf } from '../../shared/runtime-spans/trace-outline.ts';
import type { Segment, Span } from '../../shared/spans/span.ts';
import { seed } from '../helpers/seed.ts';
import { readRecording, recordings } from './recording.ts';
import { score } from './score.ts';

/** As the spans come: request by request, each screened by itself. */
function joined(segments: readonly Segment[], requests: readonly (readonly RuntimeSpan[])[], budget = Number.POSITIVE_INFINITY): Span[] {
  const kept = requests.flatMap((spans) => screen(spans).kept);
  const traces = [...Map.groupBy(kept, ({ traceId }) => traceId)].map(([traceId, parts]) =>
    traceOf(
      traceId,
      parts.flatMap(({ spans }) => spans),
    ),
  );
  return [...copiesByTrace(segments.map(outlineOf), traces, budget).values()].flat();
}

const byId = (a: Span, b: Span) => (a.spanId < b.spanId ? -1 : 1);
const services = ['apiserver', 'kubelet', 'containerd'];

describe('copiesByTrace on recordings', () => {
  for (const name of recordings) {
    const recording = readRecording(name);
    const { segments, spans } = recording;

    it(`${name}: at least 98 % of the wanted traces under the right span, none wrong, none outside its parent`, () => {
      const { wanted, missed, wrong, outside } = score(recording, joined(segments, [spans]));
      assert.deepEqual({ wrong, outside }, { wrong: [], outside: [] });
      assert.ok(missed.length <= wanted * 0.02, `missed ${missed.length} of ${wanted}: ${missed.join('; ')}`);
    });

    for (const only of [...services, ['kubelet', 'containerd']]) {
      it(`${name}: ${[only].flat().join(' and ')} alone give nothing wrong`, () => {
        const own = spans.filter(({ service }) => [only].flat().includes(service));
        const copies = joined(segments, [own]);
        const { wrong, outside } = score(recording, copies);
        assert.deepEqual({ wrong, outside }, { wrong: [], outside: [] });
        assert.ok(copies.length > 0);
      });
    }

    it(`${name}: ids are unique, originals linked, no span lasts 0`, () => {
      const copies = joined(segments, [spans]);
      assert.equal(new Set(copies.map(({ spanId }) => spanId)).size, copies.length);
      for (const { start, end, links, attributes } of copies) {
        assert.ok(end > start);
        const [link] = links;
        assert.deepEqual([link?.traceId, link?.spanId], [attributes['knspan.runtime.trace_id'], attributes['knspan.runtime.span_id']]);
      }
    });

    it(`${name}: the same copies for any order, duplication and split of both streams`, () => {
      const wanted = JSON.stringify(joined(segments, [spans]).sort(byId));
      const requests = fc.array(fc.nat({ max: 6 }), { minLength: spans.length, maxLength: spans.length });
      fc.assert(
        fc.property(requests, fc.nat(), fc.nat({ max: 3 }), (split, turn, twice) => {
          const parts = Map.groupBy(spans, (_, index) => split[index]);
          const mixed = [...parts.values()].sort((a, b) => ((a.length * 31 + turn) % 7) - ((b.length * 31 + turn) % 7));
          const turned = [...segments.slice(turn % segments.length), ...segments.slice(0, turn % segments.length)];
          const again = [...mixed.map((part) => part.toReversed()), ...mixed.slice(0, twice)];
          assert.equal(JSON.stringify(joined(turned.toReversed(), again).sort(byId)), wanted);
        }),
        { numRuns: 8, seed },
      );
    });
  }
});

describe('copiesByTrace', () => {
  const recording = readRecording('deployment-create');
  const { segments, spans, requests } = recording;
  const whole = joined(segments, [spans]);

  it('reads attributes by the names of Kubernetes 1.35 as by those of 1.34', () => {
    const renamed: Readonly<Record<string, string>> = {
      'http.method': 'http.request.method',
      'http.status_code': 'http.response.status_code',
      'http.url': 'url.full',
    };
    const text = JSON.stringify(requests).replaceAll(
      /"key":"(http\.method|http\.status_code|http\.url)"/g,
      (_, key: string) => `"key":"${renamed[key]}"`,
    );
    const batch = new SpanBatch(Number.POSITIVE_INFINITY);
    for (const request of JSON.parse(text)) readOtlpJson(request, batch);
    const places = (copies: readonly Span[]) =>
      copies.map(({ spanId, parentSpanId, start, end, title }) => [spanId, parentSpanId, start, end, title]);
    assert.deepEqual(places(joined(segments, [batch.spans])), places(whole));
  });

  it('shows a request once: not what the kubelet sent beside what the API server served', () => {
    const patches = whole.filter(({ title }) => /^API patch pods\/\S+ status by kubelet$/.test(title));
    assert.ok(patches.length > 0);
    assert.deepEqual(new Set(patches.map(({ service }) => service)), new Set(['apiserver']));
    const alone = joined(segments, [spans.filter(({ service }) => service === 'kubelet')]);
    assert.ok(alone.some(({ service, title }) => service === 'kubelet' && title.startsWith('API patch pods/')));
  });

  it('gives steps their phases, and cuts what sticks out with both true times', () => {
    const [pull] = whole.filter(({ title }) => title.startsWith('PullImage '));
    assert.equal(pull?.attributes['knspan.phase'], 'pull');
    assert.equal(pull?.service, 'kubelet');
    const create = whole.find(({ title }) => title === 'API create deployments/web by kubectl');
    assert.equal(create?.attributes['knspan.runtime.clipped'], true);
    assert.equal(create?.attributes['knspan.runtime.start'], '2026-11-26T06:07:18.150398Z');
    assert.equal(create?.attributes['knspan.runtime.end'], '2026-11-26T06:07:18.154523Z');
    assert.equal((create?.end ?? 0) - (create?.start ?? 0), 1);
  });

  it('tells what no call accounts for', () => {
    const waits = whole.filter(({ attributes }) => attributes['knspan.phase'] === 'wait');
    assert.equal(waits.length, 3);
    assert.deepEqual(new Set(waits.map(({ title }) => title)), new Set(['wait: volumes, secrets and cgroups']));
    for (const { start, end } of waits) assert.ok(end - start > 1_000_000);
  });

  it('keeps to the budget: what took longest and what failed, the rest counted', () => {
    const kept = joined(segments, [spans], 40);
    assert.equal(kept.length, 40);
    const folded = kept.reduce((sum, { attributes }) => sum + Number(attributes['knspan.runtime.folded'] ?? 0), 0);
    assert.equal(folded + 39, whole.length);
    assert.ok(kept.some(({ title }) => title === 'API create deployments/web by kubectl'));
    assert.ok(kept.filter(({ title }) => title.startsWith('PullImage')).length === 3);
    const ids = new Set([...kept, ...segments.flatMap((segment) => segment.spans)].map(({ spanId }) => spanId));
    for (const { parentSpanId } of kept) assert.ok(ids.has(parentSpanId));
  });

  it('gives nothing to a trace of another cluster that has a namesake', () => {
    const inCluster = spans.map((span) => ({ ...span, cluster: 'east' }));
    const east = segments.map((segment) => ({ ...segment, cluster: 'east' }));
    const west = segments.map((segment) => ({ ...segment, cluster: 'west', traceId: 'f'.repeat(32) }));
    const copies = joined([...west, ...east], [inCluster]);
    assert.deepEqual(new Set(copies.map(({ traceId }) => traceId)), new Set(east.map(({ traceId }) => traceId)));
  });
});
