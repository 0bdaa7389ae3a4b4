/** A function as a real process, as in a container: its output and its exit. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

const file = fileURLToPath(new URL('../../functions/main.ts', import.meta.url));

export class FunctionRun {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<readonly [code: number | null, signal: string | null]>;

  constructor(name: string, env: Readonly<Record<string, string>>, main: string = file) {
    this.child = spawn(process.execPath, [main, name], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.ended = once(this.child, 'close').then(([code, signal]) => [code, signal] as const);
  }

  async url(): Promise<string> {
    await until('it listens', () => /"message":"listening"/.test(this.stdout));
    return `http://127.0.0.1:${/"port":([0-9]+)/.exec(this.stdout)?.[1]}`;
  }
}
