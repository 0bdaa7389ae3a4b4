/** The sample extensions over HTTP: what each makes of a segment. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { samples } from '../../functions/samples/index.ts';
import { isJson } from '../../shared/events/json.ts';
import { parseSegmentEvent } from '../../shared/spans/segment-event.ts';
import type { Span } from '../../shared/spans/span.ts';
import { bodyOf, runExtension } from '../helpers/extension.ts';
import { segmentOf, spanOf } from '../helpers/segment.ts';
import { captures, loadCapture, replay } from '../helpers/trace.ts';

async function run(name: string, env: Readonly<Record<string, string>> = {}) {
  const extension = await samples[name]?.();
  assert.ok(extension);
  return runExtension(extension, env, { checks: true });
}

async function changedBy(name: string, spans: readonly Span[], env = {}) {
  await using running = await run(name, env);
  const { reply } = await running.send(bodyOf(segmentOf(spans)));
  assert.ok(reply);
  const parsed = parseSegmentEvent(reply);
  assert.ok(parsed.ok);
  return { reply, spans: parsed.value.segment.spans };
}

describe('coinflip', () => {
  it('flips by the trace: all its segments the same, traces about evenly, nothing else changed', async () => {
    await using coinflip = await run('coinflip');
    const flips: Record<string, number> = { heads: 0, tails: 0 };
    for (let n = 0; n < 64; n += 1) {
      const traceId = n.toString(16).padStart(32, 'a');
      const sent = [
        segmentOf([spanOf({ traceId })], { traceId }),
        segmentOf([spanOf({ traceId, name: 'later' })], { traceId, root: false }),
      ];
      const sides = new Set<string>();
      for (const segment of sent) {
        const { reply } = await coinflip.send(bodyOf(segment));
        assert.deepEqual(reply?.data, JSON.parse(bodyOf(segment)).data);
        assert.equal(reply?.type, 'dev.knspan.trace.segment.flipped');
        sides.add(reply?.extensions['flip'] ?? '');
      }
      assert.equal(sides.size, 1);
      for (const side of sides) flips[side] = (flips[side] ?? 0) + 1;
    }
    assert.deepEqual(flips, { heads: 32, tails: 32 });
  });
});

describe('redact', () => {
  const secrets = [
    'password=hunter2!',
    'Authorization: Bearer abc.def-ghi_123',
    'https://user:pa55@example.com/x',
    'token: "s3cr3t value"',
    'AKIAIOSFODNN7EXAMPLE',
    `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${'x'.repeat(20)}`,
    '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----',
    `ghp_${'a'.repeat(36)}`,
  ];

  it('takes what looks like a secret out of every text of a span', async () => {
    for (const secret of secrets) {
      const span = spanOf({
        title: `a ${secret}`,
        statusMessage: secret,
        attributes: { 'k8s.event.message': `failed: ${secret} ...`, list: [secret], n: 1 },
        events: [{ name: secret, at: spanOf().start, attributes: { m: secret } }],
      });
      const { spans } = await changedBy('redact', [span]);
      const value = /hunter2!|abc\.def|user:pa55|s3cr3t value|AKIAIOSF|eyJhbGci|MIIE|ghp_/;
      assert.doesNotMatch(JSON.stringify(spans), value, secret);
      assert.match(spans[0]?.statusMessage ?? '', /\[redacted\]/);
      assert.equal(spans[0]?.attributes['n'], 1);
    }
  });

  it('leaves real traces as they are', async () => {
    for (const name of captures) {
      for (const { spans } of replay(await loadCapture(name, 'full')))
        assert.deepEqual(sorted((await changedBy('redact', spans)).spans), sorted(spans));
    }
  });

  const sorted = (spans: readonly Span[]) => spans.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1));
});

describe('owner-team', () => {
  it('adds the team of the namespace to the event and to each span', async () => {
    const env = { KNSPAN_TEAMS: 'shop=checkout.a, *=nobody' };
    const { reply, spans } = await changedBy('owner-team', [spanOf(), spanOf({ spanId: '0000000000000002' })], env);
    assert.equal(reply.extensions['team'], 'checkout.a');
    assert.deepEqual(
      spans.map(({ attributes }) => attributes['team']),
      ['checkout.a', 'checkout.a'],
    );
    assert.equal((await changedBy('owner-team', [spanOf()], { KNSPAN_TEAMS: '*=rest' })).reply.extensions['team'], 'rest');
  });

  it('refuses a table that it cannot read', async () => {
    await assert.rejects(run('owner-team', { KNSPAN_TEAMS: 'shop' }), /KNSPAN_TEAMS is 'shop', wanted namespace=team pairs/);
  });
});

describe('alert', () => {
  const failed = { 'knspan.change': 'rollout', 'knspan.outcome': 'failed', 'knspan.cause': 'ErrImagePull: no' };

  it('fires for a failed change, once: on the part with the root span', async () => {
    await using alert = await run('alert', { KNSPAN_TRACE_URL: 'https://jaeger/trace/{traceId}' });
    const root = spanOf({ title: 'Deployment shop/web: rollout', attributes: failed, status: 'error' });
    const { reply } = await alert.send(bodyOf(segmentOf([root])));
    assert.equal(reply?.type, 'dev.knspan.alert');
    assert.deepEqual(reply?.data, {
      title: 'Deployment shop/web: rollout',
      cause: 'ErrImagePull: no',
      cluster: '',
      namespace: 'shop',
      kind: 'Deployment',
      name: 'web',
      startedAt: '2025-11-20T23:06:40.000Z',
      seconds: 1,
      trace: 'https://jaeger/trace/0123456789abcdef0123456789abcdef',
    });
    await using paged = await run('alert', { KNSPAN_PAGE_URL: 'https://knspan.example/history' });
    const { reply: linked } = await paged.send(bodyOf(segmentOf([root])));
    assert.ok(isJson(linked?.data));
    assert.equal(linked.data['page'], 'https://knspan.example/history/traces/0123456789abcdef0123456789abcdef');
    assert.equal((await alert.send(bodyOf(segmentOf([root])))).reply?.id, reply?.id);
    assert.equal((await alert.send(bodyOf(segmentOf([root], { root: false })))).status, 204);
    assert.equal((await alert.send(bodyOf(segmentOf([spanOf({ status: 'error' })])))).status, 204);
    const sends = (outcome: string) => alert.send(bodyOf(segmentOf([spanOf({ attributes: { ...failed, 'knspan.outcome': outcome } })])));
    assert.equal((await sends('failing')).reply?.type, 'dev.knspan.alert');
    for (const outcome of ['ok', 'recovered', 'incomplete']) assert.equal((await sends(outcome)).status, 204);
  });
});

describe('each sample', () => {
  for (const [name, file] of [
    ['coinflip', 'coinflip/index.ts'],
    ['coinflip-game', 'coinflip/game.ts'],
    ['redact', 'redact/index.ts'],
    ['owner-team', 'owner-team/index.ts'],
    ['alert', 'alert/index.ts'],
  ] as const) {
    it(`${name} is short, and imports the kit as everyone does`, () => {
      const text = readFileSync(new URL(`../../functions/samples/${file}`, import.meta.url), 'utf8');
      assert.ok(text.trimEnd().split('\n').length < 40);
      assert.match(text, /from 'knspan\/extension'/);
      assert.doesNotMatch(text, /from '\.\./);
    });
  }
});
