/** The pages over HTTP, on a real PostgreSQL with the history of recordings. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isJson, listField } from '../../shared/events/json.ts';
import type { Change } from '../../shared/history/queries/changes.ts';
import { listChanges } from '../../shared/history/queries/changes.ts';
import { everything } from '../../shared/history/queries/scope.ts';
import { startTestExplorer, type TestExplorer } from '../helpers/explorer.ts';

let explorer: TestExplorer;
let rollout: Change;
let crash: Change;

before(async () => {
  explorer = await startTestExplorer(/captures\/(deployment-rollout|crashloop|image-pull-error)$|scenarios\/(drain|create-100)$/, {
    environment: { KNSPAN_TRACE_URL: 'https://jaeger.example/trace/{traceId}' },
  });
  rollout = await changeOf('checkout', 'rollout');
  crash = await changeOf('payments', 'rollout');
});

after(() => explorer.stop());

async function changeOf(namespace: string, change: string): Promise<Change> {
  const range = { from: 0, to: explorer.now + 1 };
  const [found] = await listChanges(explorer.database, everything, {
    filter: { namespaces: [namespace], changes: [change] },
    range,
    limit: 1,
  });
  return found ?? assert.fail(`no ${change} in ${namespace}`);
}

async function get(path: string): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await fetch(`${explorer.url}${path}`, { redirect: 'manual' });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

async function page(path: string): Promise<string> {
  const { status, text } = await get(path);
  assert.equal(status, 200, `${path}: ${text.slice(0, 2_000)}`);
  return text;
}

async function data(path: string): Promise<Readonly<Record<string, unknown>>> {
  const { status, text, headers } = await get(path);
  assert.equal(status, 200, text);
  assert.match(headers.get('content-type') ?? '', /^application\/json/);
  const value: unknown = JSON.parse(text);
  return isJson(value) ? value : assert.fail(text);
}

/** All that was recorded. */
const wide = 'from=-300d';

describe('/', () => {
  it('leads to the changes', async () => {
    const { status, headers } = await get('/');
    assert.deepEqual([status, headers.get('location')], [302, '/changes']);
  });
});

describe('/changes', () => {
  it('lists changes with outcome and cause, and a lane for each workload, the failing ones first', async () => {
    const text = await page(`/changes?${wide}`);
    assert.match(text, new RegExp(`href="/traces/${rollout.traceId}"`));
    assert.match(text, /class="outcome failed"/);
    const lanes = [...text.matchAll(/class="lane-name( bad)?"/g)].map(([, bad]) => bad !== undefined);
    assert.deepEqual(
      lanes,
      lanes.toSorted((a, b) => Number(b) - Number(a)),
    );
    assert.ok(lanes.includes(true));
  });

  it('filters by each facet, by failed only and by free text', async () => {
    for (const search of [
      'ns=payments',
      'kind=Deployment&ns=payments',
      'failed=1',
      'outcome=failed',
      'q=ns:payments',
      'change=incident',
      `q=${encodeURIComponent('Back-off')}`,
    ]) {
      const changes = listField(await data(`/changes.json?${wide}&${search}`), 'changes', 1_000);
      assert.ok(changes.length > 0, search);
      for (const change of changes) {
        if (!isJson(change)) assert.fail();
        if (/ns[=:]/.test(search)) assert.equal(change['namespace'], 'payments');
        if (/failed/.test(search)) assert.match(String(change['outcome']), /^fail/);
      }
    }
  });

  it('counts beside a chosen value what the other choices would show', async () => {
    const { facets } = await data(`/changes.json?${wide}&ns=payments`);
    const namespaces = listField({ facets }, 'facets', 1_000).filter((one) => isJson(one) && one['facet'] === 'namespace');
    assert.ok(namespaces.length > 1);
  });

  it('goes on where a page of rows has ended, without gap or repeat', async () => {
    const seen: unknown[] = [];
    for (let cursor = ''; ; ) {
      const result = await data(`/changes.json?${wide}${cursor}`);
      seen.push(...listField(result, 'changes', 1_000).map((one) => (isJson(one) ? one['traceId'] : null)));
      if (typeof result['before'] !== 'string') break;
      cursor = `&before=${result['before']}`;
    }
    assert.equal(new Set(seen).size, seen.length);
    const all = await listChanges(explorer.database, everything, { filter: {}, range: { from: 0, to: explorer.now + 1 }, limit: 1_000 });
    assert.equal(seen.length, all.length);
  });

  it('sorts by what took longest and by what was slower than usual', async () => {
    const took = listField(await data(`/changes.json?${wide}&sort=took`), 'changes', 1_000).map((one) =>
      isJson(one) ? Date.parse(String(one['end'])) - Date.parse(String(one['start'])) : 0,
    );
    assert.deepEqual(
      took,
      took.toSorted((a, b) => b - a),
    );
    await page(`/changes?${wide}&sort=slow`);
  });

  it('says why it is empty, with a way out', async () => {
    assert.match(await page(`/changes?${wide}&ns=nowhere`), /The filters are too narrow for this range\.[\s\S]*drop all filters/);
    assert.match(await page('/changes?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z'), /The history begins at/);
  });
});

describe('/traces/ID', () => {
  it('shows each span in its place, the verdict and the way to Jaeger', async () => {
    const text = await page(`/traces/${crash.traceId}`);
    assert.equal([...text.matchAll(/<tr id="s-/g)].length, crash.spans);
    assert.match(text, /class="failed verdict">failed/);
    assert.match(text, new RegExp(`href="https://jaeger.example/trace/${crash.traceId}"`));
    assert.match(text, /class="phase pull"[\s\S]*class="moment bad"/);
  });

  it('shows of the selected span why it is here, its Events, and its own as YAML', async () => {
    const { spans } = await data(`/traces/${crash.traceId}.json`);
    const pull = listField({ spans }, 'spans', 1_000).find((one) => isJson(one) && one['phase'] === 'pull');
    const spanId = isJson(pull) ? String(pull['spanId']) : assert.fail();
    const text = await page(`/traces/${crash.traceId}?span=${spanId}`);
    assert.match(text, new RegExp(`id="s-${spanId}" class="[^"]*selected"`));
    assert.match(text, /rule <code>[a-z.-]+<\/code>/);
    assert.match(text, /<pre tabindex="0">apiVersion: v1\nkind: Event/);
  });

  it('shows failures alone, or down to a level, or all of alike siblings', async () => {
    const rows = async (search: string) => [...(await page(`/traces/${crash.traceId}?${search}`)).matchAll(/<tr id="s-/g)].length;
    const [errors, level, all] = [await rows('errors=1'), await rows('level=1'), await rows('fold=0')];
    assert.ok(errors > 0 && errors < all && level > 0 && level < all);
  });

  it('says of a trace that is not there what that may mean', async () => {
    const { status, text } = await get('/traces/0123456789abcdef0123456789abcdef');
    assert.equal(status, 404);
    assert.match(text, /not settled yet, or older than the retention/);
  });
});

describe('/traces/A?with=B', () => {
  it('sets the phases of two changes side by side and says what differs', async () => {
    const text = await page(`/traces/${rollout.traceId}?with=${crash.traceId}`);
    assert.match(text, /<th scope="row">pull<\/th>/);
    assert.match(text, /What differs:<\/b> image <code>/);
    assert.equal((await get(`/traces/${rollout.traceId}?with=0123456789abcdef0123456789abcdef`)).status, 404);
    assert.equal((await get(`/traces/${rollout.traceId}?with=x`)).status, 400);
  });
});

describe('/events', () => {
  const first = async (search: string) => {
    const [event] = listField(await data(`/events.json?${wide}&${search}`), 'events', 1_000);
    return isJson(event) ? event : assert.fail(`no Event for ${search}`);
  };

  it('draws failed and other Events over time, with a bar for each step, and lists them', async () => {
    const text = await page(`/events?${wide}&step=1d`);
    assert.match(text, /class="bad" x="/);
    assert.match(text, /class="good" x="/);
    assert.match(text, /<b>|<tr id="e-/);
  });

  it('searches names among objects and anything else in messages', async () => {
    assert.equal((await first('q=worker-'))['namespace'], 'payments');
    assert.match(String((await first('q=%22Back-off%20restarting%22'))['message']), /Back-off restarting/);
    assert.match(await page(`/events?${wide}&q=worker-`), /of objects whose names begin so/);
  });

  it('goes on where a page of rows has ended, forth and back in time', async () => {
    for (const sort of ['newest', 'oldest']) {
      const text = await page(`/events?${wide}&sort=${sort}`);
      const [, before = ''] = /rel="next" href="[^"]*before=([^"&]+)/.exec(text) ?? [];
      const ids = (html: string) => [...html.matchAll(/<tr id="(e-[^"]+)"/g)].map(([, id]) => id);
      const next = await page(`/events?${wide}&sort=${sort}&before=${before}`);
      assert.equal(new Set([...ids(text), ...ids(next)]).size, ids(text).length + ids(next).length);
    }
  });

  it('lists objects by their latest Event, with and without those that are gone', async () => {
    const rows = async (search: string) => listField(await data(`/events.json?${wide}&view=objects&${search}`), 'objects', 1_000);
    const [all, there, failed] = [await rows('ns=checkout'), await rows('ns=checkout&deleted=0'), await rows('failed=1')];
    assert.ok(there.length < all.length && there.length > 0);
    assert.ok(failed.every((one) => isJson(one) && one['failed'] === true) && failed.length > 0);
  });

  it('pins the messages of a bar below the chart', async () => {
    const { at } = await first('q=%22Back-off%20restarting%22');
    assert.match(
      await page(`/events?${wide}&step=1d&bucket=${String(at).slice(0, 10)}T00:00:00Z`),
      /class="card pinned-bucket"[\s\S]*BackOff/,
    );
  });

  it('refuses a step that would draw too many bars', async () => {
    assert.equal((await get(`/events?${wide}&step=1m`)).status, 400);
    assert.equal((await get('/events?step=2m')).status, 400);
  });
});

describe('/bucket', () => {
  it('is a part of a page: the messages of a range, alike ones together', async () => {
    const text = await page(`/bucket?${wide}&ns=payments&failed=1`);
    assert.match(text, /^<p><b>[\s\S]*<ul class="messages"><li class="bad">/);
    assert.doesNotMatch(text, /<html/);
  });
});

describe('/events/CLUSTER/UID/N', () => {
  it('shows an Event as YAML, its occurrences and its change', async () => {
    const [event] = listField(await data(`/events.json?${wide}&q=%22Back-off%20restarting%22`), 'events', 1_000);
    if (!isJson(event)) assert.fail();
    const text = await page(`/events/${event['cluster']}/${event['uid']}/${event['n']}`);
    assert.match(text, /kind: Event[\s\S]*involvedObject:/);
    assert.match(text, /href="\/traces\/[0-9a-f]{32}\?span=[0-9a-f]{16}"/);
    assert.equal((await get(`/events/${event['cluster']}/00000000-0000-4000-8000-000000000000/1`)).status, 404);
  });
});

describe('/objects/CLUSTER/KIND/NAMESPACE/NAME', () => {
  it('shows a life with its phases, what it belongs to, its changes and its Events', async () => {
    const [pod] = listField(await data(`/events.json?${wide}&view=objects&kind=Pod&ns=payments`), 'objects', 1_000);
    if (!isJson(pod)) assert.fail();
    const text = await page(`/objects/${pod['cluster']}/Pod/payments/${pod['name']}`);
    assert.match(text, /class="phase (?:schedule|container)"/);
    assert.match(text, /<dt>owner<\/dt><dd><a href="[^"]*\/ReplicaSet\//);
    assert.match(text, /class="rows event-rows alone"/);
    const owned = await page(`/objects/${pod['cluster']}/Deployment/payments/${crash.name}?children=1`);
    assert.match(owned, /<h2>Owns/);
  });

  it('says of an object that is not there what that may mean', async () => {
    const { status, text } = await get('/objects/test-cluster/Pod/payments/none');
    assert.equal(status, 404);
    assert.match(text, /nothing was heard of it, or it is older than the retention/);
    assert.equal((await get('/objects/test-cluster/Pod/payments/none?uid=x')).status, 400);
  });
});

describe('/sql', () => {
  const run = (text: string) => page(`/sql?sql=${encodeURIComponent(text)}`);

  it('runs a query on the views and shows its rows, with links to traces', async () => {
    const text = await run("select trace_id, namespace, 1 as count from traces\r\nwhere namespace = 'payments'");
    assert.match(text, /<td><a href="\/traces\/[0-9a-f]{32}">/);
    assert.match(text, /class="text"><span class="line" title="payments">payments/);
    assert.match(await page('/sql'), /<textarea/);
  });

  it('refuses with a sentence what is no query on the views', async () => {
    for (const text of [
      'delete from traces',
      'select 1; select 2',
      "select pg_read_file('/etc/passwd')",
      'select * from history.events',
      '</textarea><script>alert(1)</script>',
    ])
      assert.match(await run(text), /role="alert"><p class="bad">/, text);
  });
});

describe('/insights', () => {
  it('answers each question for the range of the page, with its SQL one click away', async () => {
    const names = [...(await page(`/insights?${wide}`)).matchAll(/[?&;]show=([a-z-]+)/g)].map(([, name = '']) => name);
    assert.ok(new Set(names).size >= 15);
    for (const name of new Set(names)) {
      const text = await page(`/insights?${wide}&show=${name}`);
      assert.doesNotMatch(text, /role="alert"/, name);
      assert.match(text, /href="\/sql\?sql=/);
    }
    assert.equal((await get('/insights?show=none')).status, 400);
  });
});

describe('bad input', () => {
  const bad: readonly (readonly [string, number, RegExp])[] = [
    ['/changes?color=red', 400, /Cannot use parameter &#39;color&#39;/],
    ['/changes?from=never', 400, /Cannot use from/],
    ['/changes?before=x', 400, /the link is broken/],
    ['/changes?sort=name', 400, /wanted slow or took/],
    ['/changes?tz=<script>', 400, /Cannot use time zone/],
    ['/traces/zz', 400, /wanted 32 hexadecimal digits/],
    ['/traces/%ff', 404, /no page with this address/],
    ['/nothing', 404, /no page with this address/],
    ['/assets/x/../settings.ts', 404, /no page with this address/],
  ];
  for (const [path, status, sentence] of bad)
    it(`${path} is ${status} with a sentence and a link that works`, async () => {
      const answer = await get(path);
      assert.equal(answer.status, status);
      assert.match(answer.text, sentence);
      assert.doesNotMatch(answer.text, /\bat .*\.ts:\d|node:internal/);
      const [, way = ''] = /<section class="card problem">[\s\S]*?<a href="([^"]+)"/.exec(answer.text) ?? [];
      assert.notEqual(way, '');
    });

  it('tells a program the same as JSON', async () => {
    const { status, text } = await get('/changes.json?color=red');
    assert.equal(status, 400);
    assert.match(text, /^\{"error":"Cannot use parameter 'color'/);
  });

  it('refuses other methods and answers no other host', async () => {
    assert.equal((await fetch(`${explorer.url}/changes`, { method: 'POST' })).status, 404);
    const { hostname, port } = new URL(explorer.url);
    const { request } = await import('node:http');
    const status = await new Promise((resolve) =>
      request({ hostname, port, path: '/changes', headers: { host: 'evil.example' } }, (answer) => resolve(answer.statusCode)).end(),
    );
    assert.equal(status, 421);
  });
});

describe('headers', () => {
  it('let nothing run but own files, on pages, data and errors', async () => {
    for (const path of [`/changes?${wide}`, `/changes.json?${wide}`, '/nothing']) {
      const { headers } = await get(path);
      assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none'; script-src 'self'; style-src 'self'/);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
    }
  });

  it('keep assets for good, by a path that changes with them', async () => {
    const [, path = ''] = /href="(\/assets\/[0-9a-f]{12}\/style\.css)"/.exec(await page('/changes')) ?? [];
    const { status, headers } = await get(path);
    assert.equal(status, 200);
    assert.match(headers.get('cache-control') ?? '', /immutable/);
    assert.equal((await get(path.replace('style.css', 'idiomorph.js'))).status, 200);
  });
});
