/**
 * Simulated runs of Jobs: only their Events are created, through the API, so that the whole path works without load on the machine. Each is a
 * change that settles as early as possible.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { home } from './installation.ts';
import { createAll, fromService } from './kubectl.ts';

const everyMs = 1_000;
const tookMs = 400;

export interface Run {
  readonly name: string;
  /** Of its last Event, ms. */
  readonly ended: number;
}

function eventsOf(namespace: string, { name, ended }: Run): object[] {
  const job = { apiVersion: 'batch/v1', kind: 'Job', namespace, name, uid: randomUUID() };
  const event = (at: number, reason: string, message: string) => {
    const time = `${new Date(at).toISOString().slice(0, 19)}Z`;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: `${name}.${(BigInt(at) * 1_000_000n).toString(16)}` },
      involvedObject: job,
      reason,
      message,
      type: 'Normal',
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component: 'job-controller' },
    };
  };
  return [event(ended - tookMs, 'SuccessfulCreate', `Created pod: ${name}-abcde`), event(ended, 'Completed', 'Job completed')];
}

/** All at once. */
export async function makeRuns(namespace: string, prefix: string, count: number): Promise<readonly Run[]> {
  const now = Date.now();
  const runs = Array.from({ length: count }, (_, n) => ({ name: `${prefix}-${n}`, ended: now + n }));
  await createAll(runs.flatMap((run) => eventsOf(namespace, run)));
  return runs;
}

/** One each second until it is stopped; when the trace of each was first seen in Jaeger. */
export class Flow {
  readonly runs: Run[] = [];
  readonly seen = new Map<string, number>();
  readonly #namespace: string;
  readonly #working: Promise<unknown>;
  #isStopped = false;
  #isOver = false;

  constructor(namespace: string) {
    this.#namespace = namespace;
    this.#working = Promise.all([this.#make(), this.#look()]);
  }

  async #make(): Promise<void> {
    while (!this.#isStopped) {
      const next = sleep(everyMs);
      const run = { name: `run-${process.pid}-${this.runs.length}`, ended: Date.now() };
      this.runs.push(run);
      await createAll(eventsOf(this.#namespace, run));
      await next;
    }
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      await sleep(everyMs / 2);
      const traces: { data?: { spans: { operationName: string }[] }[] | null } = JSON.parse(
        fromService(home, 'jaeger:16686', '/api/traces?service=knspan&limit=5000'),
      );
      const names = (traces.data ?? []).flatMap(({ spans }) =>
        spans.map(({ operationName }) => /^Job (\S+): run$/.exec(operationName)?.[1]),
      );
      for (const { name } of this.runs) if (!this.seen.has(name) && names.includes(name)) this.seen.set(name, Date.now());
    }
  }

  /** How many seconds it took from the last Event of a run to its trace in Jaeger, for runs that were due in this time. */
  delays(dueAfterMs: number, from: number, to: number): readonly number[] {
    return this.runs.flatMap(({ name, ended }) => {
      const seen = this.seen.get(name);
      const due = ended + dueAfterMs;
      return seen === undefined || due < from || due >= to ? [] : [(seen - ended) / 1_000];
    });
  }

  /** Makes no more. */
  stop(): void {
    this.#isStopped = true;
  }

  async end(): Promise<void> {
    this.#isStopped = true;
    this.#isOver = true;
    await this.#working;
  }
}
