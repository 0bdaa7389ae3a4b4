#!/usr/bin/env node
// Starts knspan: directly where this Node runs TypeScript by itself (22.18 or newer), else with the Node that comes with the packages.
// npx remembers where this file lies, so it stays there; what it starts is found by the package's own name.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as modules from 'node:module';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';

const sources = new URL('../../', import.meta.url).href;

if (process.features.typescript) {
  if (sources.includes('/node_modules/')) stripTypes();
  await import('knspan/command');
} else handOver();

/** Node strips no types below node_modules, which is where an installed knspan lies. */
function stripTypes() {
  // Says that the stripping is experimental, which is no concern of the user.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => name === 'ExperimentalWarning' || process.stderr.write(`${name}: ${message}\n`));
  modules.registerHooks({
    load(url, context, next) {
      if (!url.startsWith(sources) || !url.endsWith('.ts')) return next(url, context);
      const source = modules.stripTypeScriptTypes(readFileSync(fileURLToPath(url), 'utf8'));
      return { format: 'module', shortCircuit: true, source };
    },
  });
}

function handOver() {
  let newer = '';
  try {
    newer = modules.createRequire(import.meta.url).resolve('node/bin/node');
  } catch {
    process.stderr.write(`Cannot run knspan: this is Node ${process.version}, wanted 22.18 or newer (or the package 'node' beside it)\n`);
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
