/** What must hold of every page: accessible in both color schemes, readable at 360 px, silent, whatever names and messages hold. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { isJson, listField } from '../../shared/events/json.ts';
import { openPage, startBrowser } from '../helpers/browser.ts';
import { startTestExplorer, type TestExplorer } from '../helpers/explorer.ts';
import { eventItem } from '../helpers/history-input.ts';
import { hostileTexts } from '../helpers/hostile.ts';
import { observation } from '../helpers/observation.ts';

const wide = 'from=-300d';
/** When observations of tests happen. */
const hostileDay = 'from=2025-11-20T00:00:00Z&to=2025-11-21T00:00:00Z';
const tags = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];
let explorer: TestExplorer;
let browser: Browser;
let paths: string[];

before(async () => {
  [explorer, browser] = await Promise.all([
    startTestExplorer(/captures\/(deployment-rollout|crashloop)$/, { more: hostileItems() }),
    startBrowser(),
  ]);
  const changes = listField(await data(`/changes.json?${wide}&ns=payments`), 'changes', 100);
  const [first, second] = changes.map((one) => (isJson(one) ? String(one['traceId']) : ''));
  const [event] = listField(await data(`/events.json?${wide}&ns=payments&kind=Pod`), 'events', 100);
  if (!isJson(event)) assert.fail();
  paths = [
    `/changes?${wide}`,
    `/changes?${wide}&ns=nowhere`,
    `/events?${wide}`,
    `/events?${wide}&view=objects`,
    `/events/test-cluster/${event['uid']}/${event['n']}`,
    `/objects/test-cluster/Pod/payments/${event['name']}`,
    `/traces/${first}`,
    `/traces/${first}?with=${second}`,
    `/insights?${wide}&show=phases`,
    '/sql?sql=select%20*%20from%20traces',
  ];
});

after(async () => {
  await browser?.close();
  await explorer?.stop();
});

async function data(path: string): Promise<unknown> {
  return (await fetch(`${explorer.url}${path}`)).json();
}

function hostileItems() {
  return hostileTexts.map((text, index) => {
    const id = (kind: number) => `5f1c2a3b-000${kind}-4000-8000-${String(index).padStart(12, '0')}`;
    const involved = { apiVersion: 'v1', kind: 'Pod', namespace: 'hostile', name: text, uid: id(1) };
    return eventItem(observation({ uid: id(0), reason: text, message: text, reporter: text, instance: text, type: 'Warning', involved }));
  });
}

describe('every page', () => {
  for (const colorScheme of ['light', 'dark'] as const)
    it(`has no violation that axe-core finds, ${colorScheme}`, async () => {
      const { page, heard, close } = await openPage(browser, explorer.url, { colorScheme, reducedMotion: 'reduce' });
      for (const path of paths) {
        await page.goto(path);
        await page.evaluate(axe.source);
        const found: unknown = await page.evaluate(`axe.run(document, { runOnly: ${JSON.stringify(tags)} })`);
        const violations = listField(found, 'violations', 100).map((one) =>
          isJson(one)
            ? `${one['id']}: ${JSON.stringify(listField(one, 'nodes', 5).map((node) => isJson(node) && [node['target'], node['failureSummary']]))}`
            : '',
        );
        assert.deepEqual(violations, [], path);
      }
      assert.deepEqual(heard, []);
      await close();
    });

  it('needs no scrolling to the side at 360 px', async () => {
    const { page, heard, close } = await openPage(browser, explorer.url, { viewport: { width: 360, height: 740 } });
    for (const path of paths) {
      await page.goto(path);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360, path);
    }
    await page.goto(`/changes?${wide}`);
    await page.locator('.rail-button').click();
    await page.locator('.rail').waitFor();
    assert.deepEqual(heard, []);
    await close();
  });
});

describe('hostile names and messages', () => {
  it('neither run nor leave the page', async () => {
    const { page, heard, close } = await openPage(browser, explorer.url);
    await page.goto(`/events?${hostileDay}&ns=hostile`);
    const links = await page.locator('a.row-link').evaluateAll((all) => all.map((one) => one.getAttribute('href') ?? ''));
    assert.ok(links.length >= hostileTexts.length - 1);
    for (const href of [...links, `/events?${hostileDay}&ns=hostile&view=objects`]) await page.goto(href);
    await page.locator('a.row-link').first().click();
    await page.waitForURL(/\/objects\//);
    assert.deepEqual(heard, []);
    await close();
  });
});
