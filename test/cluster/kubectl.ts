/** kubectl on the cluster of KUBECONFIG, and waiting for its output. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const commandMostMs = 240_000;
const outputMost = 256 * 1024 * 1024;

export function kubectl(...args: string[]): string {
  return execFileSync('kubectl', args, {
    encoding: 'utf8',
    maxBuffer: outputMost,
    timeout: commandMostMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What kubectl says, also when it fails. */
export function tryKubectl(...args: string[]): string {
  const { stdout, stderr } = spawnSync('kubectl', args, { encoding: 'utf8', maxBuffer: outputMost, timeout: commandMostMs });
  return `${stdout}${stderr}`.trim();
}

export function apply(manifest: object): void {
  execFileSync('kubectl', ['apply', '-f', '-'], {
    input: JSON.stringify(manifest),
    timeout: commandMostMs,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Without holding up anything else. */
export async function createAll(items: readonly object[]): Promise<void> {
  const child = spawn('kubectl', ['create', '-f', '-'], { stdio: ['pipe', 'ignore', 'inherit'], timeout: commandMostMs });
  child.stdin.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`Cannot create ${items.length} objects: kubectl ended with ${code}`);
}

export interface Item {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid: string; readonly generation?: number };
  readonly reason?: string;
  readonly rules?: unknown;
}

export function list(...args: string[]): readonly Item[] {
  const found: { items?: Item[] } = JSON.parse(kubectl('get', ...args, '-o', 'json'));
  return found.items ?? [];
}

export const names = (...args: string[]): string[] => list(...args).map((item) => item.metadata.name);

/** The answer of an HTTP service in the cluster, through the API server: no port has to be open. */
export function fromService(namespace: string, service: string, path: string): string {
  return kubectl('get', '--raw', `/api/v1/namespaces/${namespace}/services/${service}/proxy${path}`);
}

/** Looks again and again; what `look` throws counts as not there yet, and is told in the end. */
export async function until<T>(what: string, withinMs: number, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = Date.now() + withinMs;
  let last = '';
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() > end) throw new Error(`Cannot see ${what}: waited ${withinMs / 1_000} s${last === '' ? '' : `\n${last}`}`);
    await sleep(500);
  }
}
