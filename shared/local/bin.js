#!/usr/bin/env node
// Starts knspan: directly where this Node runs TypeScript by itself (22.18 or newer), else with the Node that comes with the packages.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

if (process.features.typescript) await import('./main.ts');
else {
  let newer = '';
  try {
    newer = createRequire(import.meta.url).resolve('node/bin/node');
  } catch {
    process.stderr.write(`Cannot run knspan: this is Node ${process.version}, wanted 22.18 or newer (or the package 'node' beside it)\n`);
    process.exit(2);
  }
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const { status, signal } = spawnSync(newer, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  if (signal) process.kill(process.pid, signal);
  process.exit(status ?? 2);
}
