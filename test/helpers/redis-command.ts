/** Where the tests get Redis from: redis-server on the PATH, else installed, else a container; else one sentence that says what to do. */
import { spawnSync } from 'node:child_process';

export interface RedisCommand {
  /** The program and what stands before redis-server's own arguments. */
  wrap(program: 'redis-server' | 'redis-cli', name: string, folder: string, args: readonly string[]): { file: string; args: string[] };
  /** Ends the process group that a signal to the spawned process does not reach, where there is one. */
  kill(name: string): void;
}

const image = 'redis:7';

function works(file: string, args: readonly string[]): boolean {
  return spawnSync(file, args, { stdio: 'ignore', timeout: 300_000 }).status === 0;
}

const plain: RedisCommand = { wrap: (program, _, __, args) => ({ file: program, args: [...args] }), kill: () => {} };

function inContainer(engine: string): RedisCommand {
  const before = ['run', '--rm', '--network', 'host'];
  return {
    wrap: (program, name, folder, args) => ({
      file: engine,
      args: [...before, '--name', `${name}-${program}`, '-v', `${folder}:${folder}`, image, program, ...args],
    }),
    kill: (name) => {
      works(engine, ['kill', `${name}-redis-server`]);
    },
  };
}

let found: RedisCommand | undefined;

export function redisCommand(): RedisCommand {
  found ??= find();
  return found;
}

function find(): RedisCommand {
  const isThere = () => works('redis-server', ['--version']) && works('redis-cli', ['--version']);
  if (isThere()) return plain;
  const install = ['DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '--no-install-recommends', 'redis-server'];
  if (process.getuid?.() === 0 && works('apt-get', ['--version'])) {
    if (!works('env', install) && works('apt-get', ['update'])) works('env', install);
    if (isThere()) return plain;
  }
  for (const engine of ['docker', 'podman']) if (works(engine, ['info'])) return inContainer(engine);
  throw new Error(
    "Cannot start Redis for the tests: found no redis-server, docker or podman; wanted Debian's package redis-server (7 or later)",
  );
}
