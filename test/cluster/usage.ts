/** The cost of parts of the cluster over time: CPU and memory by the kubelet's figures, and how long their pods run. */
import { kubectl, names } from './kubectl.ts';

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

export interface Part {
  cpuNanos: number;
  /** Of all its pods together. */
  podMs: number;
  /** Its working set, over the time that it was there. */
  byteMs: number;
  memoryMost: number;
}

/** Whose it is: without the hashes of its revision and pod. */
const partOf = (pod: string): string =>
  pod
    .replace(/-\d{5}-deployment.*$/, '')
    .replace(/-[0-9a-f]{6,}.*$/, '')
    .replace(/-[a-z0-9]{8,10}-[a-z0-9]{5}$/, '');

export class Usage {
  readonly parts = new Map<string, Part>();
  readonly #namespaces: readonly string[];
  readonly #counted = new Map<string, number>();
  readonly #began = Date.now();
  #last = 0;

  constructor(...namespaces: string[]) {
    this.#namespaces = namespaces;
    this.sample();
  }

  get lastedMs(): number {
    return this.#last - this.#began;
  }

  /** Often enough that no pod comes and goes in between. */
  sample(): void {
    const now = Date.now();
    const isFirst = this.#last === 0;
    const passedMs = isFirst ? 0 : now - this.#last;
    this.#last = now;
    for (const node of names('nodes')) {
      const summary: Summary = JSON.parse(kubectl('get', '--raw', `/api/v1/nodes/${node}/proxy/stats/summary`));
      const pods = summary.pods.filter(({ podRef }) => this.#namespaces.includes(podRef.namespace));
      for (const pod of pods) this.#add(pod, passedMs, isFirst);
    }
  }

  #add({ podRef, containers = [] }: Summary['pods'][number], passedMs: number, isFirst: boolean): void {
    const part = this.parts.get(partOf(podRef.name)) ?? { cpuNanos: 0, podMs: 0, byteMs: 0, memoryMost: 0 };
    this.parts.set(partOf(podRef.name), part);
    const bytes = containers.reduce((sum, { memory }) => sum + (memory?.workingSetBytes ?? 0), 0);
    part.podMs += passedMs;
    part.byteMs += bytes * passedMs;
    part.memoryMost = Math.max(part.memoryMost, bytes);
    for (const { name, cpu } of containers) {
      const key = `${podRef.uid}/${name}`;
      const now = cpu?.usageCoreNanoSeconds ?? 0;
      const before = this.#counted.get(key) ?? (isFirst ? now : 0);
      part.cpuNanos += Math.max(0, now - before);
      this.#counted.set(key, Math.max(now, before));
    }
  }
}

export const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`;
