/** Hostile names and messages on every page: nothing of them becomes markup, and each page still answers. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { listField, textField } from '../../shared/events/json.ts';
import type { HistoryItem } from '../../shared/history/writer.ts';
import { startTestExplorer, type TestExplorer } from '../helpers/explorer.ts';
import { eventItem, segmentItems } from '../helpers/history-input.ts';
import { hostileTexts } from '../helpers/hostile.ts';
import { observation } from '../helpers/observation.ts';
import { began, segmentOf, spanOf } from '../helpers/segment.ts';

let explorer: TestExplorer;
const wide = 'from=-300d';
const megabyte = '<b>&"\u202e'.repeat(200_000);

function itemsOf(text: string, index: number): HistoryItem[] {
  const id = (kind: number) => `5f1c2a3b-000${kind}-4000-8000-${String(index).padStart(12, '0')}`;
  const involved = { apiVersion: 'v1', kind: index % 2 ? 'Pod' : text, namespace: text, name: text, uid: id(1) };
  const event = observation({
    uid: id(0),
    name: text,
    reason: text,
    message: text,
    reporter: text,
    instance: text,
    container: text,
    type: 'Warning',
    involved,
  });
  const attributes = {
    'knspan.change': text,
    'knspan.actor': text,
    'knspan.cause': text,
    'knspan.outcome': 'failed',
    'knspan.rule': text,
    'knspan.evidence': text,
    'knspan.phase': 'pull',
    'container.image.name': text,
    'k8s.node.name': text,
    'k8s.container.name': text,
    'k8s.object.kind': 'Pod',
    'k8s.object.name': text,
    'k8s.object.uid': id(1),
    'k8s.event.uid': id(0),
  };
  const traceId = String(index + 1).padStart(32, '0');
  const root = spanOf({ traceId, title: text, name: text, statusMessage: text, status: 'error', attributes });
  const child = spanOf({
    traceId,
    spanId: '0000000000000002',
    parentSpanId: root.spanId,
    title: text,
    name: text,
    statusMessage: text,
    status: 'error',
    attributes,
  });
  const segment = segmentOf([root, child], { traceId, cluster: 'test-cluster', namespace: text, rootKind: 'Deployment', rootName: text });
  return [eventItem(event), ...segmentItems(segment)];
}

before(async () => {
  const texts = [...hostileTexts, megabyte.slice(0, 100_000)];
  explorer = await startTestExplorer(/^$/, { more: texts.flatMap(itemsOf) });
});

after(() => explorer.stop());

async function get(path: string): Promise<string> {
  const response = await fetch(`${explorer.url}${path}`);
  assert.ok(response.status < 500, `${path}: ${response.status}`);
  return response.text();
}

const tag = /<!doctype html>|<\/?([a-z][a-z0-9]*)((?:\s+[a-zA-Z][a-zA-Z0-9-]*(?:="[^"<>]*")?)*)\s*\/?>/g;

/** Whole tags of the templates, and between them nothing that could be one. */
function check(path: string, text: string): void {
  assert.doesNotMatch(text.replaceAll(tag, ''), /[<>]/, path);
  for (const [whole, name = '', attributes = ''] of text.matchAll(tag)) {
    assert.ok(
      name !== 'script' || /^<\/?script(?: type="module" src="\/assets\/[0-9a-f]{12}\/main\.js")?>$/.test(whole),
      `${path}: ${whole}`,
    );
    assert.doesNotMatch(name, /^(?:img|iframe|object|embed|base|style)$/, path);
    assert.doesNotMatch(attributes.replaceAll(/"[^"]*"/g, ''), /\s(?:on[a-z]+|style|srcdoc|formaction)=/i, `${path}: ${whole}`);
    assert.doesNotMatch(attributes, /\s(?:href|src|action)="(?!\/(?![/\\])|#|\?|https?:)/, `${path}: ${whole}`);
  }
  assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069]/, path);
}

describe('hostile names and messages', () => {
  it('are texts on lists, charts and facets', async () => {
    const sizes: number[] = [];
    for (const path of [
      `/changes?${wide}`,
      `/changes?${wide}&lanes=all&sort=took`,
      `/events?${wide}`,
      `/events?${wide}&view=objects`,
      `/bucket?${wide}`,
    ]) {
      const text = await get(path);
      check(path, text);
      sizes.push(text.length);
    }
    assert.ok(Math.max(...sizes) < 1_000_000, `bounded, not ${sizes.join()}`);
  });

  it('are texts on the page of a trace, of its spans, of an object and of an Event', async () => {
    const { length } = hostileTexts;
    for (let index = 0; index <= length; index += 1) {
      const traceId = String(index + 1).padStart(32, '0');
      for (const path of [
        `/traces/${traceId}`,
        `/traces/${traceId}?span=0000000000000001`,
        `/traces/${traceId}?with=${'1'.padStart(32, '0')}`,
      ])
        check(path, await get(path));
    }
    const links = [...(await get(`/events?${wide}`)).matchAll(/href="(\/(?:objects|events)\/[^"]+)"/g)].map(([, href = '']) =>
      href.replaceAll('&amp;', '&').replaceAll('&#39;', "'"),
    );
    assert.ok(links.length > length);
    for (const href of new Set(links)) check(href, await get(href));
  });

  it('are texts where a parameter is refused or shown again', async () => {
    for (const text of hostileTexts.map(encodeURIComponent.bind(null)).filter((one) => one !== ''))
      for (const path of [
        `/changes?q=${text}`,
        `/changes?ns=${text}&kind=${text}`,
        `/changes?tz=${text}`,
        `/changes?${text}=1`,
        `/events?name=${text}`,
        `/events?step=${text}`,
        `/traces/${text}`,
        `/objects/a/b/c/${text}`,
      ])
        check(path, await get(path));
  });

  it('are data as they are in JSON', async () => {
    const data: unknown = JSON.parse(await get(`/changes.json?${wide}`));
    const names = listField(data, 'changes', 100).map((one) => textField(one, 'name'));
    assert.ok(names.includes('<script>alert(1)</script>'));
    assert.ok(began > 0);
  });
});
