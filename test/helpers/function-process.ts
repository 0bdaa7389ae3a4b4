/** A function as a process on a fixed port, to be killed and restarted at will. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { owned } from './owned.ts';
import { freePort } from './redis.ts';

const main = fileURLToPath(new URL('../../functions/main.ts', import.meta.url));
const keptMost = 20_000;

export interface FunctionProcessOptions {
  readonly name: 'correlator' | 'exporter' | 'reconciler' | 'history' | 'runtime-spans';
  readonly environment: Readonly<Record<string, string>>;
  /** What stands before `node`, such as a command that pins it to a core. */
  readonly before?: readonly string[];
  readonly nodeArgs?: readonly string[];
}

export class FunctionProcess {
  readonly #options: FunctionProcessOptions;
  readonly #port: number;
  #child: ChildProcess | undefined;
  #ready: Promise<void> = Promise.resolve();
  isReady = false;
  /** The end of what it wrote since it was last started. */
  log = '';

  private constructor(options: FunctionProcessOptions, port: number) {
    this.#options = options;
    this.#port = port;
  }

  static async create(options: FunctionProcessOptions): Promise<FunctionProcess> {
    return new FunctionProcess(options, await freePort());
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves when it listens. */
  start(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const { name, environment, before = [], nodeArgs = [] } = this.#options;
    const [file = '', ...args] = [...before, process.execPath, ...nodeArgs, main, name];
    const env = { PATH: process.env['PATH'] ?? '', PORT: String(this.#port), ...environment, ...more };
    const child = owned(spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
    this.#child = child;
    this.isReady = false;
    this.log = '';
    this.#ready = new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        this.log = (this.log + chunk.toString()).slice(-keptMost);
        if (this.isReady || !this.log.includes('"message":"listening"')) return;
        this.isReady = this.#child === child;
        resolve();
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      // One that was killed on the way has not failed.
      child.once('exit', () => (this.#child === child ? reject(new Error(`${name} ended by itself and says\n${this.log}`)) : resolve()));
    });
    return this.#ready;
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.isReady = false;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}
