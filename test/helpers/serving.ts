/** `knspan serve` as a process of its own: without a history, unless it is given a data folder. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

const bin = fileURLToPath(new URL('../../shared/cli/bin.js', import.meta.url));
/** A change settles 10 s after its last Event, which may be 10 s late, as may the names of owners; the machine may be busy. */
const settledWithin = 120_000;

export class Serving {
  readonly #child: ChildProcess;
  err = '';
  readonly ended: Promise<unknown[]>;

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const { PATH = '', HOME = '' } = process.env;
    const history = args.includes('--data') ? [] : ['--no-history'];
    const all = [bin, 'serve', '--port', '0', '--cluster', 'test', ...history, ...args];
    this.#child = spawn(process.execPath, all, { env: { PATH, HOME, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.on('data', (chunk) => {
      this.err += chunk;
    });
    this.ended = once(this.#child, 'close');
  }

  async url(): Promise<string> {
    await waited('it takes CloudEvents', () => /Taking CloudEvents at http/.test(this.err));
    return /Taking CloudEvents at (\S+);/.exec(this.err)?.[1] ?? assert.fail(this.err);
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<unknown[]> {
    this.#child.kill(signal);
    return this.ended;
  }
}

export const waited = (what: string, holds: () => boolean) => until(what, holds, settledWithin);
