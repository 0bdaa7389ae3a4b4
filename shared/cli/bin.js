#!/usr/bin/env node
// Starts knspan: the TypeScript of a checkout where there is one, else what the package brings compiled. npx remembers the path of this
// file, so it must not move. A Node that cannot run TypeScript hands over to the one that `npm ci` brings to a checkout.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';

const source = new URL('../../functions/main.ts', import.meta.url);
const compiled = new URL('../../dist/package/main.js', import.meta.url);

if (!existsSync(source)) await import(compiled.href);
else if (process.features.typescript) await import(source.href);
else handOver();

function handOver() {
  let newer = '';
  try {
    newer = createRequire(import.meta.url).resolve('node/bin/node');
  } catch {
    process.stderr.write(`Cannot run knspan: this is Node ${process.version}, wanted 22.18 or newer in a checkout, or \`npm ci\` before\n`);
    process.exit(2);
  }
  const child = spawn(newer, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // The child ends first and says how. On a terminal, Ctrl-C reaches it without us, and a second SIGINT would cut it short.
  process.on('SIGINT', () => [0, 1, 2].some(isatty) || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`Cannot run knspan: '${newer}' does not start: ${error.message}\n`);
    process.exitCode = 2;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 2);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
