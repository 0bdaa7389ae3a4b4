/** A namespace for one test: its Events are recorded from the API server and compared with Jaeger's traces. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { apply, kubectl, list, until } from './kubectl.ts';
import { about, eventsIn, linesOf, recentlyInJaeger, replayed, type SpanForm } from './traces.ts';

/** The notifications must have come to an end before they are compared. */
const quietMs = 4_000;
const rolledOutWithinMs = 90_000;

export class Stage {
  readonly namespace: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'knspan-e2e-'));
  readonly #watch: ChildProcess;

  constructor(name: string) {
    this.namespace = `knspan-e2e-${name}`;
    kubectl('create', 'namespace', this.namespace);
    const out = openSync(this.file, 'w');
    const args = ['-n', this.namespace, 'get', 'events', '--watch', '--output-watch-events', '-o', 'json'];
    this.#watch = spawn('kubectl', args, { stdio: ['ignore', out, 'inherit'] });
    closeSync(out);
  }

  get file(): string {
    return join(this.#folder, 'events.json');
  }

  apply(manifest: object): void {
    apply(manifest);
  }

  kubectl(...args: string[]): string {
    return kubectl('-n', this.namespace, ...args);
  }

  isRolledOut(workload: string): boolean {
    return /successfully rolled out|complete/.test(this.kubectl('rollout', 'status', workload, '--watch=false'));
  }

  /** Holds up nobody else meanwhile, which `kubectl rollout status` would. */
  async rolledOut(workload: string): Promise<void> {
    await until(
      `the end of the rollout of ${workload} in ${this.namespace}`,
      rolledOutWithinMs,
      () => this.isRolledOut(workload) || undefined,
    );
  }

  uids(): ReadonlySet<string> {
    return new Set(list('events', '-n', this.namespace).map(({ metadata }) => metadata.uid));
  }

  async seen(reason: string, withinMs = 90_000): Promise<void> {
    await until(`an Event ${reason} in ${this.namespace}`, withinMs, () =>
      list('events', '-n', this.namespace).some((event) => event.reason === reason) ? true : undefined,
    );
  }

  /** Waits until Jaeger tells what a direct replay of the same notifications tells, of the traces that are let pass: each Event once. */
  async told(withinMs: number, passes: (trace: string) => boolean = () => true): Promise<readonly SpanForm[]> {
    const end = Date.now() + withinMs;
    for (;;) {
      const before = readFileSync(this.file, 'utf8').length;
      await sleep(quietMs);
      const found = await this.#found();
      // A replay costs more than a look, and half a minute passes before there is anything to compare.
      if (found.length === 0 && Date.now() < end) continue;
      const all = await replayed(this.file);
      const wanted = all.filter(({ trace }) => passes(trace));
      const isQuiet = readFileSync(this.file, 'utf8').length === before;
      const isSame = isQuiet && wanted.length > 0 && linesOf(wanted).join('\n') === linesOf(found).join('\n');
      if (!isSame && Date.now() < end) continue;
      assert.deepEqual(linesOf(found), linesOf(wanted), `${this.namespace}: spans in Jaeger, beside those of a direct replay`);
      this.#eachOnce(found, all);
      return found;
    }
  }

  /** Of Jaeger, as it was while this was quiet; nothing while it is away. */
  async #found(): Promise<readonly SpanForm[]> {
    const spans = await recentlyInJaeger(quietMs).catch(() => []);
    return about(spans, this.uids());
  }

  /** From the API's side: no Event that no span tells; from Jaeger's, which has what is let pass of all: none twice. */
  #eachOnce(found: readonly SpanForm[], all: readonly SpanForm[]): void {
    const events = eventsIn(found);
    assert.equal(new Set(events).size, events.length, `${this.namespace}: an Event is told twice`);
    assert.deepEqual(
      [...new Set(eventsIn(all).map((event) => event.split('#')[0]))].sort(),
      [...this.uids()].sort(),
      `${this.namespace}: Events told`,
    );
  }

  close(): void {
    this.#watch.kill('SIGTERM');
    kubectl('delete', 'namespace', this.namespace, '--wait=false');
    rmSync(this.#folder, { recursive: true });
  }
}
