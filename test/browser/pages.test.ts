/** The pages in a browser, as people use them. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { openPage, startBrowser, type TestPage } from '../helpers/browser.ts';
import { startTestExplorer, type TestExplorer } from '../helpers/explorer.ts';
import { eventItem } from '../helpers/history-input.ts';
import { observation } from '../helpers/observation.ts';
import { until } from '../helpers/until.ts';

const wide = 'from=-300d';
let explorer: TestExplorer;
let browser: Browser;
let opened: TestPage;
let page: Page;

before(async () => {
  [explorer, browser] = await Promise.all([
    startTestExplorer(/captures\/(deployment-rollout|crashloop|image-pull-error)$|scenarios\/drain$/),
    startBrowser(),
  ]);
});

after(async () => {
  await browser?.close();
  await explorer?.stop();
});

beforeEach(async () => {
  opened = await openPage(browser, explorer.url);
  page = opened.page;
});

afterEach(async () => {
  const { heard } = opened;
  await opened.close();
  assert.deepEqual(heard, []);
});

describe('/changes', () => {
  it('filters by a facet in place, and the back button undoes it', async () => {
    await page.goto(`/changes?${wide}`);
    const rows = await page.locator('tr[data-row]').count();
    await page.locator('.rail a', { hasText: 'payments' }).click();
    await page.waitForURL(/ns=payments/);
    await until('fewer rows', async () => (await page.locator('tr[data-row]').count()) < rows);
    for (const text of await page.locator('td.what').allTextContents()) assert.match(text, /payments/);
    await page.goBack();
    await until('all rows', async () => (await page.locator('tr[data-row]').count()) === rows);
  });

  it('takes a brushed range, and the back button undoes it', async () => {
    await page.goto(`/changes?${wide}`);
    const box = (await page.locator('.lanes svg.plot').boundingBox()) ?? assert.fail();
    await page.mouse.move(box.x + box.width * 0.3, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 12, { steps: 4 });
    assert.equal(await page.locator('.brush').count(), 1);
    await page.mouse.up();
    await page.waitForURL(/from=.*to=/);
    await page.goBack();
    await page.waitForURL(new RegExp(`${wide}$`));
  });

  it('leads to a trace, a span, its Events, an object, and back', async () => {
    await page.goto(`/changes?${wide}&ns=payments&failed=1`);
    await page.locator('tr[data-row] a.row-link').first().click();
    await page.waitForURL(/\/traces\/[0-9a-f]{32}/);
    await page.locator('.waterfall a', { hasText: 'pull ' }).first().click();
    await page.waitForURL(/span=/);
    await page.locator('tr.selected a', { hasText: 'pull ' }).waitFor();
    await page.locator('.panels .events a').first().click();
    await page.waitForURL(/\/events\/test-cluster\//);
    await page.locator('pre', { hasText: 'kind: Event' }).waitFor();
    await page.locator('h1 a').click();
    await page.waitForURL(/\/objects\/test-cluster\/Pod\/payments\//);
    await page.locator('.life .phase').first().waitFor({ state: 'attached' });
    for (const path of [/\/events\//, /span=/, /\/traces\/[0-9a-f]{32}$/, /\/changes/]) {
      await page.goBack();
      await page.waitForURL(path);
    }
    await page.locator('.changes').waitFor();
  });
});

describe('/traces/ID', () => {
  beforeEach(async () => {
    await page.goto(`/changes?${wide}&ns=payments&failed=1`);
    await page.locator('tr[data-row] a.row-link').first().click();
    await page.locator('.waterfall').waitFor();
  });

  it('folds and unfolds what is below a span', async () => {
    const rows = page.locator('.waterfall tr[data-row]:visible');
    const all = await rows.count();
    await page.locator('.fold').nth(1).click();
    assert.ok((await rows.count()) < all);
    await page.locator('.fold').nth(1).click();
    assert.equal(await rows.count(), all);
  });

  it('zooms by brushing the strip of the whole trace', async () => {
    const box = (await page.locator('.minimap svg').boundingBox()) ?? assert.fail();
    await page.mouse.move(box.x + box.width * 0.2, box.y + 8);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 8, { steps: 4 });
    await page.mouse.up();
    await page.locator('.minimap .window').waitFor();
    await page.locator('.zoom-out').click();
    await page.locator('.minimap .window').waitFor({ state: 'detached' });
  });
});

describe('/events', () => {
  it('shows on hover what the Events of a bar say, and pins it with a click', async () => {
    await page.goto(`/events?${wide}`);
    const bar = page.locator('a.bucket').last();
    await bar.hover();
    await page.locator('#tip li').first().waitFor();
    await bar.click();
    await page.locator('.pinned-bucket li').first().waitFor();
  });

  it('shows a new Event by itself', async () => {
    await page.goto(`/events?${wide}&ns=fresh`);
    await page.locator('#live.on').waitFor();
    const at = { at: explorer.now - 1_000_000, uncertainty: 0 };
    const involved = { apiVersion: 'v1', kind: 'Pod', namespace: 'fresh', name: 'newcomer', uid: '5f1c2a3b-0000-4000-8000-00000000feed' };
    await explorer.write([
      eventItem(observation({ reason: 'Started', message: 'Started', reporter: 'kubelet', first: at, last: at, involved })),
    ]);
    await page.locator('tr[data-row]', { hasText: 'newcomer' }).waitFor();
  });
});

describe('keyboard alone', () => {
  it('searches, walks rows, opens one, and comes back', async () => {
    await page.goto(`/changes?${wide}`);
    await page.keyboard.press('/');
    await page.keyboard.type('ns:payments');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=ns/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    assert.equal(await page.locator('tr.at').count(), 1);
    await page.keyboard.press('o');
    await page.waitForURL(/\/traces\//);
  });

  it('shows failures only, another range, another zone, and its own help', async () => {
    await page.goto(`/changes?${wide}`);
    await page.keyboard.press('f');
    await page.waitForURL(/failed=1/);
    await page.keyboard.press('[');
    await page.waitForURL(/to=/);
    await page.keyboard.press('z');
    await page.waitForURL(/from=/);
    await page.keyboard.press('?');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
  });
});

describe('without scripts', () => {
  it('filters, pins a bar and opens a trace by links', async () => {
    const plain = await openPage(browser, explorer.url, { javaScriptEnabled: false });
    await plain.page.goto(`/changes?${wide}`);
    await plain.page.locator('.rail a', { hasText: 'payments' }).click();
    await plain.page.waitForURL(/ns=payments/);
    await plain.page.locator('tr[data-row] a.row-link').first().click();
    await plain.page.waitForURL(/\/traces\//);
    await plain.page.locator('.waterfall').waitFor();
    await plain.page.goto(`/events?${wide}`);
    await plain.page.locator('a.bucket').last().click();
    await plain.page.locator('.pinned-bucket li').first().waitFor();
    assert.deepEqual(plain.heard, []);
    await plain.close();
  });
});
