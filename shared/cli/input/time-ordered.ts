/**
 * Long inputs need not be held whole. Beyond a size, events go to a temporary folder by their time, a file for each few minutes, and come
 * back in order; what has settled is let go on the way. Memory then depends on how many events a few minutes and what is remembered of
 * two hours hold, not on the length or the order of the input.
 */
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lateness, minute, ownerMayTrail } from '../../correlation/settling-times.ts';
import type { Micros, Observation } from '../../events/observation.ts';
import type { Segment } from '../../spans/span.ts';
import type { Pipeline } from '../pipeline.ts';

/** Shorter inputs are held whole. */
const holdUpTo = 100_000;
const bucketLength: Micros = 5 * minute;
/** Lines that wait to be written together. */
const writeTogether = 50_000;

export class TimeOrdered {
  readonly #pipeline: Pipeline;
  readonly #holdUpTo: number;
  #held: Observation[] = [];
  #folder = '';
  #lines = new Map<number, string[]>();
  #waiting = 0;
  readonly #buckets = new Set<number>();

  constructor(pipeline: Pipeline, holdMost = holdUpTo) {
    this.#pipeline = pipeline;
    this.#holdUpTo = holdMost;
  }

  async push(observation: Observation): Promise<void> {
    if (this.#folder === '' && this.#held.length < this.#holdUpTo) {
      this.#held.push(observation);
      return;
    }
    if (this.#folder === '') {
      this.#folder = await mkdtemp(join(tmpdir(), 'knspan-'));
      for (const one of this.#held) this.#line(one);
      this.#held = [];
    }
    this.#line(observation);
    if (this.#waiting >= writeTogether) await this.#write();
  }

  /** Everything in order of time; what has settled comes out on the way. */
  async *finish(): AsyncGenerator<Segment[]> {
    for (const observation of this.#held) this.#pipeline.push(observation);
    this.#held = [];
    try {
      await this.#write();
      for (const bucket of [...this.#buckets].sort((a, b) => a - b)) {
        const text = await readFile(join(this.#folder, `${bucket}.jsonl`), 'utf8');
        for (const line of text.split('\n')) {
          if (line === '') continue;
          const observation: Observation = JSON.parse(line);
          this.#pipeline.push(observation);
        }
        // Nothing of an earlier time comes any more, so the clock may stand where nothing here is late.
        yield this.#pipeline.advance((bucket + 1) * bucketLength - bucketLength / 5 + lateness + ownerMayTrail);
      }
      yield this.#pipeline.finish();
    } finally {
      if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true });
    }
  }

  #line(observation: Observation): void {
    const bucket = Math.floor(observation.last.at / bucketLength);
    const lines = this.#lines.get(bucket);
    if (lines) lines.push(JSON.stringify(observation));
    else this.#lines.set(bucket, [JSON.stringify(observation)]);
    this.#waiting += 1;
  }

  async #write(): Promise<void> {
    for (const [bucket, lines] of this.#lines) {
      this.#buckets.add(bucket);
      await appendFile(join(this.#folder, `${bucket}.jsonl`), `${lines.join('\n')}\n`);
    }
    this.#lines.clear();
    this.#waiting = 0;
  }
}
