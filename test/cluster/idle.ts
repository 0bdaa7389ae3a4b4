/**
 * `node test/cluster/idle.ts [minutes]`: the cost of an installed knspan while nothing happens, compared with the always-running pod of kspan.
 * Prints figures, asserts nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { functionNames, home } from './installation.ts';
import { mebibytes, type Part, Usage } from './usage.ts';

const minutes = Number(process.argv[2] ?? '10');
const everyMs = 5_000;
/** What its users' manifests give it. */
const kspanLimit = '40 MiB';

const usage = new Usage(home);
while (usage.lastedMs < minutes * 60_000) {
  await sleep(everyMs);
  usage.sample();
}

function print(name: string, { cpuNanos, podMs, byteMs, memoryMost }: Part): void {
  const milliCores = (cpuNanos / 1e6 / usage.lastedMs) * 1_000;
  const there = `${((podMs / usage.lastedMs) * 100).toFixed(0)} % of the time`;
  const memory = `${mebibytes(byteMs / usage.lastedMs)} on average, at most ${mebibytes(memoryMost)}`;
  process.stdout.write(`${name.padEnd(30)} ${milliCores.toFixed(2)} m CPU, there ${there}, ${memory}\n`);
}

const own: Part = { cpuNanos: 0, podMs: 0, byteMs: 0, memoryMost: 0 };
for (const [name, part] of usage.parts) {
  print(name, part);
  if (!name.startsWith('apiserversource') && !functionNames.some((one) => one === name)) continue;
  own.cpuNanos += part.cpuNanos;
  own.podMs += part.podMs;
  own.byteMs += part.byteMs;
  own.memoryMost += part.memoryMost;
}
print('source and functions together', own);
process.stdout.write(`kspan: one pod, there 100 % of the time, limit ${kspanLimit}\n`);
