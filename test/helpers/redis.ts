/** Real Redis for tests: a process on a free port with its own folder, killed and restarted at will, removed without a trace. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { owned } from './owned.ts';

export interface RedisOptions {
  readonly appendfsync?: 'always' | 'everysec';
  readonly port?: number;
  /** Kept after the end when it is given. */
  readonly dir?: string;
  readonly tls?: boolean;
  readonly password?: string;
  /** More arguments of redis-server. */
  readonly args?: readonly string[];
}

export interface RedisProcess {
  readonly url: string;
  readonly port: number;
  /** With `tls`: the certificate of the authority that signed the server's. */
  readonly ca: string;
  readonly dir: string;
  /** Of the process that was spawned. */
  readonly pid: number;
  /** Ends it properly and checks that nothing is left. */
  stop(): Promise<void>;
  /** SIGKILL: what Redis had not written to its disk is gone. */
  kill9(): Promise<void>;
  /** After `kill9`: again on the same port and folder. */
  restart(): Promise<void>;
  /** What redis-cli answers. */
  cli(...args: string[]): string;
  /** Stops and continues the process (SIGSTOP, SIGCONT). */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
}

const startWithin = 20_000;

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port: wanted an address with a port');
  return address.port;
}

/** A self-signed authority and a certificate of 127.0.0.1, both good for a day. */
function makeCertificate(dir: string): void {
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: dir, encoding: 'utf8' });
    if (status !== 0) throw new Error(`Cannot make a certificate: openssl ${args[0]} says ${stderr}`);
  };
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '1',
    '-subj',
    '/CN=test authority',
  );
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    'redis.key',
    '-out',
    'redis.csr',
    '-subj',
    '/CN=redis',
  );
  writeFileSync(join(dir, 'names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost');
  openssl(
    'x509',
    '-req',
    '-in',
    'redis.csr',
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '1',
    '-extfile',
    'names',
    '-out',
    'redis.crt',
  );
}

function listenOn(port: number, tls: boolean, dir: string): string[] {
  if (!tls) return ['--port', String(port)];
  makeCertificate(dir);
  const file = (name: string) => join(dir, name);
  const files = ['--tls-cert-file', file('redis.crt'), '--tls-key-file', file('redis.key'), '--tls-ca-cert-file', file('ca.crt')];
  return ['--port', '0', '--tls-port', String(port), ...files, '--tls-auth-clients', 'no'];
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisProcess> {
  const { appendfsync = 'always', password, tls = false } = options;
  const port = options.port ?? (await freePort());
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'knspan-redis-'));
  const keep = ['--appendonly', 'yes', '--appendfsync', appendfsync, '--save', '', '--dir', dir];
  const secret = password === undefined ? [] : ['--requirepass', password, '--masterauth', password];
  const args = [...listenOn(port, tls, dir), '--bind', '127.0.0.1', ...keep, ...secret, ...(options.args ?? [])];
  const process = new ServerProcess(args);
  await process.start();
  const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  const toCli = ['-h', '127.0.0.1', '-p', String(port), ...(password === undefined ? [] : ['--no-auth-warning', '-a', password])];
  const secure = tls ? ['--tls', '--cacert', join(dir, 'ca.crt')] : [];
  return {
    url: `${tls ? 'rediss' : 'redis'}://${login}127.0.0.1:${port}`,
    port,
    ca: join(dir, 'ca.crt'),
    dir,
    get pid() {
      return process.pid;
    },
    stop: async () => {
      await process.end('SIGTERM');
      if (options.dir === undefined) rmSync(dir, { recursive: true });
    },
    kill9: () => process.end('SIGKILL'),
    restart: () => process.start(),
    cli: (...words) => redisCli([...toCli, ...secure, ...words]),
    signal: (name) => process.signal(name),
  };
}

export function redisCli(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('redis-cli', [...args], { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`Cannot run redis-cli ${args.join(' ')}: it says ${stdout}${stderr}`);
  return stdout.trim();
}

/** One redis-server, started as often as one likes. */
export class ServerProcess {
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #log = '';

  constructor(args: readonly string[]) {
    this.#args = args;
  }

  async start(): Promise<void> {
    if (this.#child) throw new Error('Cannot start redis-server: it runs');
    const child = owned(spawn('redis-server', this.#args, { stdio: ['ignore', 'pipe', 'pipe'] }));
    this.#child = child;
    this.#log = '';
    await new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Error(`Cannot start redis-server: it says\n${this.#log.slice(-2_000)}`));
      const late = setTimeout(fail, startWithin);
      const hear = (chunk: Buffer) => {
        this.#log = (this.#log + chunk.toString()).slice(-20_000);
        if (!/Ready to accept connections|Sentinel ID is/.test(this.#log)) return;
        clearTimeout(late);
        resolve();
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      child.once('error', ({ message }) =>
        reject(new Error(`Cannot start redis-server: ${message}, wanted it on the PATH (Debian: redis-server; npm test installs it)`)),
      );
      child.once('exit', fail);
    });
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** An end that nobody asked for is a fault: it says what Redis wrote last. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child) return;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`redis-server ended by itself and says\n${this.#log.slice(-2_000)}`);
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    if (signal === 'SIGTERM' && child.exitCode !== 0)
      throw new Error(`redis-server ended with ${child.exitCode} and says\n${this.#log.slice(-2_000)}`);
  }
}
