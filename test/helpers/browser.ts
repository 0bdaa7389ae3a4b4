/** A real Chromium without a window, for tests of the web page. Whatever its console says is kept: a test may demand that it is nothing. */
import { execFileSync } from 'node:child_process';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { browserTools } from './machine-tools.ts';

const waitMs = 15_000;

export async function startBrowser(): Promise<Browser> {
  const [name = ''] = browserTools.flatMap(({ programs }) => programs);
  const executablePath = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
  // Chromium refuses its sandbox to root.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

export interface TestPage {
  readonly page: Page;
  /** Console messages, errors of scripts, dialogs, and requests to anywhere but the explorer. */
  readonly heard: readonly string[];
  close(): Promise<void>;
}

export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<TestPage> {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1_400, height: 900 }, timezoneId: 'UTC', ...options });
  context.setDefaultTimeout(waitMs);
  const page = await context.newPage();
  const heard: string[] = [];
  page.on('console', (message) => heard.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => heard.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    heard.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) heard.push(`request: ${request.url()}`);
  });
  return { page, heard, close: () => context.close() };
}
