/** Runs the command line as a person would, and stands in for a backend. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listField } from '../../shared/events/json.ts';

const folder = fileURLToPath(new URL('../../shared/cli/', import.meta.url));
export const captures = fileURLToPath(new URL('../replay/captures/', import.meta.url));
export const crashloop = join(captures, 'crashloop', 'events.json');
export const rollout = join(captures, 'deployment-rollout', 'watch.jsonl');

export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

export interface How {
  readonly stdin?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** Close standard output after its first bytes. */
  readonly closes?: boolean;
  /** The executable; default: `bin.js`. */
  readonly bin?: string;
}

export function knspan(args: readonly string[], { stdin, env = {}, closes = false, bin = 'bin.js' }: How = {}): Promise<Ran> {
  const {
    OTEL_EXPORTER_OTLP_ENDPOINT: _,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: __,
    FORCE_COLOR: ___,
    KNSPAN_ROOT_SERVICE: ____,
    npm_command: _____,
    ...clean
  } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(folder, bin), ...args], { env: { ...clean, COLUMNS: '120', ...env }, timeout: 60_000 });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (closes) child.stdout.destroy();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, out, err }));
    child.stdin.on('error', () => {});
    child.stdin.end(stdin ?? '');
  });
}

/** A backend that takes (200) or refuses traces. */
export async function receiver(status: number): Promise<{ url: string; bodies: string[]; paths: string[]; close: () => void }> {
  const bodies: string[] = [];
  const paths: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      bodies.push(body);
      paths.push(request.url ?? '');
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, bodies, paths, close: () => server.close() };
}

export function spansIn(text: string): unknown[] {
  const resources = listField(JSON.parse(text), 'resourceSpans', 1_000);
  const scopes = resources.flatMap((resource) => listField(resource, 'scopeSpans', 1_000));
  return scopes.flatMap((one) => listField(one, 'spans', 100_000));
}
