/** The dashboard and the alerts ask only for metrics, labels and values that the functions really have: they are started and read. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { startCorrelator } from '../../functions/correlator/index.ts';
import { startExporter } from '../../functions/exporter/index.ts';
import { startReconciler } from '../../functions/reconciler/index.ts';
import { samples } from '../../functions/samples/index.ts';
import { field, listField, textField } from '../../shared/events/json.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import type { FunctionContext, Stoppable } from '../../shared/process/run-function.ts';
import { MemoryStore } from '../../shared/store/memory/store.ts';
import { defaultBounds } from '../../shared/store/store.ts';
import { KeepingSink } from '../helpers/correlators.ts';
import { type Declared, RecordingMetrics } from '../helpers/recording-metrics.ts';
import { surroundingsFor } from '../helpers/surroundings.ts';

/** Of knative/base/tick.yaml. */
const tickMinutes = 5;
const folder = new URL('../../knative/dashboards/', import.meta.url);
const dashboard: unknown = JSON.parse(readFileSync(new URL('knspan.json', folder), 'utf8'));
const alerts: unknown = parse(readFileSync(new URL('alerts.yaml', folder), 'utf8'));

const panels = listField(dashboard, 'panels', 1_000);
const rules = listField(listField(field(alerts, 'spec'), 'groups', 100)[0], 'rules', 1_000);
const queries = [
  ...panels.flatMap((panel) =>
    listField(panel, 'targets', 100).map((target) => [textField(panel, 'title'), textField(target, 'expr')] as const),
  ),
  ...rules.map((rule) => [textField(rule, 'alert'), textField(rule, 'expr')] as const),
];

describe('dashboard and alerts', () => {
  /** What the functions declare and what they serve. */
  const declared = new Map<string, Declared>();
  let served = '';
  const running: Stoppable[] = [];

  async function run(
    start: (surroundings: FunctionContext) => Promise<Stoppable & { readonly url: string }>,
    env: Record<string, string> = {},
  ) {
    const metrics = new RecordingMetrics();
    const one = await start({ ...surroundingsFor({ KNSPAN_CLUSTER: 'test', ...env }, new ManualClock(0)), metrics });
    running.push(one);
    for (const [name, what] of metrics.declared) declared.set(name, what);
    served += await (await fetch(`${one.url}/metrics`)).text();
  }

  before(async () => {
    const store = new MemoryStore(() => 0, defaultBounds);
    const sink = new KeepingSink();
    await run((surroundings) => startCorrelator(surroundings, { store, sink, cluster: 'test', beats: false }));
    await run((surroundings) => startReconciler(surroundings, { store, sink }));
    await run(startExporter, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    const coinflip = await samples['coinflip']?.();
    assert.ok(coinflip);
    await run((surroundings) => coinflip.start(surroundings));
  });

  after(async () => {
    for (const one of running) await one.close(0);
  });

  it('have queries', () => assert.ok(queries.length > 30 && rules.length > 10));

  for (const [place, query] of queries) {
    it(`${place}: ${query}`, () => {
      assert.equal(query.split('(').length, query.split(')').length);
      const uses = [...query.matchAll(/\b((?:knspan|process)_[a-z_]+)(?:\{([^}]*)\})?(\[\d+[mh]\]| offset \d+[mh])?/g)];
      assert.ok(uses.length > 0);
      for (const [, full = '', selector = '', range] of uses) {
        const name = full.replace(/_(bucket|sum|count)$/, '');
        assert.match(served, new RegExp(`^# TYPE ${name} `, 'm'), `${name} is served`);
        if (full.startsWith('process_')) continue;
        const what = declared.get(name);
        assert.ok(what, name);
        assert.equal(name === full, what.kind !== 'histogram', `${full} is of a histogram`);
        // An alert asks what a gauge was when its pod was there last.
        if (what.kind !== 'gauge') assert.ok(range, `${full}: counters by their increase`);
        for (const [, label = '', values = ''] of selector.matchAll(/(\w+)=~?"([^"]*)"/g))
          for (const value of values.split('|')) assert.ok(what.labels[label]?.includes(value), `${full} has ${label}="${value}"`);
        for (const [, by = ''] of query.matchAll(/by \(([^)]*)\)/g))
          for (const label of by.split(', ')) assert.ok(label === 'le' || label in what.labels, `${full} has ${label}`);
      }
    });
  }

  for (const [place, query] of queries) {
    it(`${place}: also sees functions that are gone between two scrapes`, () => {
      // A pod that is woken has counted before it is read for the first time: `increase` and `rate` of what it counts stay 0.
      assert.doesNotMatch(query, /\b(increase|rate|irate)\(/);
      for (const [, metric = '', window = ''] of query.matchAll(/(knspan_[a-z_]+(?:\{[^}]*\})?) offset (\w+)/g)) {
        const most = `max_over_time(${metric}[${window}])`;
        assert.ok(query.includes(`clamp_min(${most} - (${metric} offset ${window} or ${most} * 0), 0)`), query);
      }
    });
  }

  for (const rule of rules) {
    const query = textField(rule, 'expr') ?? '';
    it(`${textField(rule, 'alert')}: also sees functions that sleep until the next tick`, () => {
      for (const [, over, metric = '', minutes] of query.matchAll(/(?:(\w+_over_time)\()?\b(knspan_[a-z_]+)(?:\{[^}]*\})?(?:\[(\d+)m\])?/g))
        if (declared.get(metric)?.kind === 'gauge')
          assert.deepEqual([over, Number(minutes) >= 2 * tickMinutes], ['last_over_time', true], metric);
    });
  }

  it('every overlay has its functions scraped', () => {
    const monitors = parseAllDocuments(readFileSync(new URL('pods.yaml', folder), 'utf8')).map((document): unknown => document.toJS());
    const [knative, plain] = ['serving.knative.dev/service', 'app.kubernetes.io/name'].map((label) =>
      monitors.find((monitor) => JSON.stringify(field(field(monitor, 'spec'), 'selector')).includes(label)),
    );
    const portOf = (monitor: unknown) => textField(listField(field(monitor, 'spec'), 'podMetricsEndpoints', 10)[0], 'port');
    assert.equal(portOf(knative), 'user-port', 'what Knative names the port of a function');
    assert.equal(portOf(plain), 'http', 'what the overlay plain names it');
  });

  it('show every metric of the functions', () => {
    const shown = queries.map(([, query]) => query).join('\n');
    const local = [...declared.keys()].filter((name) => !shown.includes(name));
    assert.deepEqual(
      local,
      ['knspan_routed_total', 'knspan_lookups_total'].filter((name) => declared.has(name)),
    );
  });

  it('are laid out without overlaps, each panel with its own id', () => {
    const places = panels.map((panel) => {
      const at = field(panel, 'gridPos');
      return { x: Number(field(at, 'x')), y: Number(field(at, 'y')), w: Number(field(at, 'w')), h: Number(field(at, 'h')) };
    });
    for (const [index, one] of places.entries()) {
      assert.ok(one.x + one.w <= 24);
      for (const other of places.slice(index + 1))
        assert.ok(one.x + one.w <= other.x || other.x + other.w <= one.x || one.y + one.h <= other.y || other.y + other.h <= one.y);
    }
    assert.equal(new Set(panels.map((panel) => field(panel, 'id'))).size, panels.length);
  });
});
