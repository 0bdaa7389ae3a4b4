/** Names in the live cluster for completion, from kubectl: it starts fast and has the credentials. Without kubectl, none. */
import { execFile } from 'node:child_process';

export interface Wanted {
  readonly what: 'namespace' | 'context' | 'object';
  /** Of an object, as kubectl takes it. */
  readonly kind?: string;
  readonly namespace?: string | undefined;
  readonly context?: string | undefined;
}

/** The user is waiting. */
const timeoutMs = 2_500;
const namesMax = 500;

export async function clusterNames(wanted: Wanted): Promise<readonly string[]> {
  const lines = (await kubectl(argumentsOf(wanted))).split('\n').slice(0, namesMax);
  return [...new Set(lines.map((line) => line.slice(line.lastIndexOf('/') + 1).trim()).filter((name) => name !== ''))];
}

function argumentsOf({ what, kind = '', namespace, context }: Wanted): string[] {
  if (what === 'context') return ['config', 'get-contexts', '--output=name'];
  const list = ['get', '--output=name', '--request-timeout=2s', ...(context === undefined ? [] : [`--context=${context}`])];
  if (what === 'namespace') return [...list, 'namespaces'];
  return [...list, namespace === undefined ? '--all-namespaces' : `--namespace=${namespace}`, '--', kind];
}

function kubectl(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('kubectl', args, { timeout: timeoutMs, maxBuffer: 16 * 1_024 * 1_024 }, (_error, stdout) => resolve(stdout));
  });
}
