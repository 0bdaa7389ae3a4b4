/**
 * On a real cluster (KUBECONFIG): a Deployment is created while `knspan watch` runs; its trace is shown once settled, contains each Event once,
 * reaches Jaeger if there is one, and equals a replay of the listed Events.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from './kubectl.ts';

const bin = fileURLToPath(new URL('../../shared/cli/bin.js', import.meta.url));
const namespace = `knspan-e2e-${process.pid}`;
const image = process.env['KNSPAN_E2E_IMAGE'] ?? 'localhost/busybox:1';
const jaegerOtlp = process.env['KNSPAN_E2E_OTLP'] ?? 'http://127.0.0.1:30318';
const jaegerQuery = process.env['KNSPAN_E2E_JAEGER'] ?? 'http://127.0.0.1:30686';
const waitMostMs = 180_000;

const kubectl = (...args: string[]) => execFileSync('kubectl', args, { encoding: 'utf8' });

interface OtlpSpan {
  readonly traceId: string;
  readonly name: string;
  readonly parentSpanId?: string;
  readonly attributes: { key: string; value: { stringValue?: string } }[];
  readonly events?: { attributes: { key: string; value: { stringValue?: string } }[] }[];
}

function spansOf(text: string): OtlpSpan[] {
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  return lines.flatMap((line) => {
    const request: { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] } = JSON.parse(line);
    return request.resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans));
  });
}

function uidsOf(spans: readonly OtlpSpan[]): string[] {
  const of = (attributes: OtlpSpan['attributes']) =>
    attributes.filter((one) => one.key === 'k8s.event.uid').map((one) => one.value.stringValue ?? '');
  return spans.flatMap((span) => [...of(span.attributes), ...(span.events ?? []).flatMap((event) => of(event.attributes))]);
}

describe('knspan on a live cluster', () => {
  let watch: ChildProcess;
  let output = '';
  let said = '';

  before(async () => {
    kubectl('create', 'namespace', namespace);
    const args = [bin, 'watch', '--format', 'otlp-json', '-n', namespace, '--otlp', jaegerOtlp, '--cluster', 'e2e'];
    watch = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    watch.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    watch.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    await until('the watch following', waitMostMs, () => (said.includes('Following the cluster') ? true : undefined));
  });

  after(() => {
    watch.kill('SIGTERM');
    kubectl('delete', 'namespace', namespace, '--wait=false');
  });

  it('a Deployment made while watching becomes one settled trace that tells each of its Events once', async () => {
    kubectl('-n', namespace, 'create', 'deployment', 'web', `--image=${image}`, '--replicas=2', '--', 'sleep', '1000000');
    kubectl('-n', namespace, 'rollout', 'status', 'deployment/web', '--timeout=120s');
    const root = await until('the trace of the Deployment', waitMostMs, () =>
      spansOf(output).find((span) => !span.parentSpanId && span.name === 'Deployment web: create'),
    );
    const spans = spansOf(output).filter((span) => span.traceId === root.traceId);
    const listed: { items: { metadata: { uid: string } }[] } = JSON.parse(kubectl('-n', namespace, 'get', 'events', '-o', 'json'));
    assert.deepEqual(uidsOf(spans).sort(), listed.items.map((item) => item.metadata.uid).sort());
    assert.equal(spans.filter((span) => span.name === 'create Pod').length, 2);
  });

  it('a replay of the listed Events gives the same trace id and spans', async () => {
    const events = kubectl('-n', namespace, 'get', 'events', '-o', 'json');
    const args = [bin, 'replay', '-', '--format', 'otlp-json', '--quiet', '--cluster', 'e2e'];
    const replayed = spansOf(execFileSync(process.execPath, args, { input: events, encoding: 'utf8' }));
    const live = spansOf(output).filter((span) => replayed.some((other) => other.traceId === span.traceId));
    assert.ok(live.length > 0);
    assert.deepEqual(uidsOf(live).sort(), uidsOf(replayed).sort());
  });

  it('find tells the trace of the Deployment', () => {
    const found = execFileSync(process.execPath, [bin, 'find', 'deployment/web', '-n', namespace, '--cluster', 'e2e'], {
      encoding: 'utf8',
    });
    assert.match(found, /Deployment knspan-e2e-\d+\/web: create/);
  });

  it('Jaeger has the trace with its root and every span', async (test) => {
    const root = spansOf(output).find((span) => !span.parentSpanId && span.name === 'Deployment web: create');
    assert.ok(root);
    const reachable = await fetch(`${jaegerQuery}/api/services`).then(
      () => true,
      () => false,
    );
    if (!reachable) return test.diagnostic(`No Jaeger at ${jaegerQuery}: nothing to compare with`);
    watch.kill('SIGTERM');
    const wanted = spansOf(output).filter((span) => span.traceId === root.traceId).length;
    await until('all spans in Jaeger', waitMostMs, async () => {
      const text = await (await fetch(`${jaegerQuery}/api/traces/${root.traceId}`)).text();
      const answer: { data?: { spans: { operationName: string }[] }[] } = JSON.parse(text);
      const spans = answer.data?.[0]?.spans ?? [];
      return spans.length === wanted && spans.some((span) => span.operationName === 'Deployment web: create') ? true : undefined;
    });
  });
});
