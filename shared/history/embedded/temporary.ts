/** A data folder that lasts as long as this process, however that ends. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

/** Reads until its input ends, which is when this process does, then stops the server and removes the folder. */
const watcher = `cat > /dev/null
pid=$(head -n 1 "$1/postgresql/postmaster.pid" 2> /dev/null) && kill -QUIT "$pid" && sleep 1
rm -rf "$1"`;

export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'knspan-data-'));
  const child = spawn('sh', ['-c', watcher, 'knspan-watcher', path], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // Without a shell nothing is removed after a sudden end; all else works.
  child.on('error', () => {}).unref();
  // Its stream would keep the event loop alive.
  const { stdin } = child;
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
      child.kill('SIGKILL');
    },
  };
}
