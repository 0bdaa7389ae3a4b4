/**
 * `node test/cluster/idle.ts [minutes]`: what an installed knspan costs while nothing happens: CPU and memory of each part, by the kubelet's
 * figures, and for how long its pods are there. Figures are printed, none is asserted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { home } from './installation.ts';
import { kubectl, names } from './kubectl.ts';

const minutes = Number(process.argv[2] ?? '10');
const everyMs = 5_000;

interface Summary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
    readonly containers?: readonly {
      readonly name: string;
      readonly cpu?: { readonly usageCoreNanoSeconds?: number };
      readonly memory?: { readonly workingSetBytes?: number };
    }[];
  }[];
}

interface Part {
  cpuNanos: number;
  podMs: number;
  memoryMost: number;
}

/** A function by its name, whichever its revision and pod. */
const partOf = (pod: string): string => pod.replace(/-\d{5}-deployment.*$/, '').replace(/-[0-9a-f]{6,}.*$/, '');

const parts = new Map<string, Part>();
const counted = new Map<string, number>();

function sample(first: boolean): void {
  for (const node of names('nodes')) {
    const summary: Summary = JSON.parse(kubectl('get', '--raw', `/api/v1/nodes/${node}/proxy/stats/summary`));
    for (const { podRef, containers = [] } of summary.pods.filter((pod) => pod.podRef.namespace === home)) {
      const part = parts.get(partOf(podRef.name)) ?? { cpuNanos: 0, podMs: 0, memoryMost: 0 };
      parts.set(partOf(podRef.name), part);
      if (!first) part.podMs += everyMs;
      part.memoryMost = Math.max(
        part.memoryMost,
        containers.reduce((sum, { memory }) => sum + (memory?.workingSetBytes ?? 0), 0),
      );
      for (const { name, cpu } of containers) {
        const key = `${podRef.uid}/${name}`;
        const now = cpu?.usageCoreNanoSeconds ?? 0;
        part.cpuNanos += Math.max(0, now - (counted.get(key) ?? (first ? now : 0)));
        counted.set(key, now);
      }
    }
  }
}

sample(true);
for (let passed = 0; passed < minutes * 60_000; passed += everyMs) {
  await sleep(everyMs);
  sample(false);
}
for (const [name, { cpuNanos, podMs, memoryMost }] of parts) {
  const share = (cpuNanos / 1e6 / (minutes * 60_000)) * 1_000;
  const there = `${((podMs / (minutes * 60_000)) * 100).toFixed(0)} % of the time`;
  process.stdout.write(`${name.padEnd(30)} ${share.toFixed(2)} m CPU, there ${there}, at most ${(memoryMost / 1048576).toFixed(0)} MiB\n`);
}
