/**
 * Long inputs are not held as Events. Beyond a number, Events are kept as compact text, a bundle for each minute of event time, and come
 * back in order of time; what has settled is let go on the way. Beyond a size the bundles go to a temporary folder. Memory then depends on
 * how many Events a minute and the two hours that are remembered hold, not on the length or the order of the input.
 */
import { createReadStream } from 'node:fs';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minute } from '../../correlation/settling-times.ts';
import type { Micros, Observation } from '../../events/observation.ts';
import { type ObservationFields, observationFields, observationOf } from '../../events/observation-text.ts';
import type { Segment } from '../../spans/span.ts';
import type { Pipeline } from '../pipeline.ts';

export interface HoldLimits {
  /** Events up to this number are held as they are. */
  readonly events: number;
  /** Characters of text that are held; more go to the disk. */
  readonly characters: number;
}

const defaultLimits: HoldLimits = { events: 100_000, characters: 128 * 1_024 * 1_024 };
const bundleLength: Micros = minute;
const readAtOnce = 1 << 20;

export class TimeOrdered {
  readonly #pipeline: Pipeline;
  readonly #limits: HoldLimits;
  #held: Observation[] | null = [];
  /** Bundle -> its lines. */
  readonly #lines = new Map<number, string[]>();
  #characters = 0;
  #folder = '';
  /** Bundles that have lines in the folder. */
  readonly #written = new Set<number>();

  constructor(pipeline: Pipeline, limits: HoldLimits = defaultLimits) {
    this.#pipeline = pipeline;
    this.#limits = limits;
  }

  async push(observation: Observation): Promise<void> {
    if (this.#held && this.#held.length < this.#limits.events) {
      this.#held.push(observation);
      return;
    }
    for (const one of this.#held ?? []) this.#keep(one);
    this.#held = null;
    this.#keep(observation);
    if (this.#characters > this.#limits.characters) await this.#write();
  }

  /** Everything in order of time; what has settled comes out on the way. */
  async *finish(): AsyncGenerator<Segment[]> {
    for (const observation of this.#held ?? []) this.#pipeline.push(observation);
    try {
      for (const bundle of [...new Set([...this.#written, ...this.#lines.keys()])].sort((a, b) => a - b)) {
        if (this.#written.has(bundle)) for await (const lines of linesOf(this.#file(bundle))) for (const line of lines) this.#push(line);
        for (const line of this.#lines.get(bundle) ?? []) this.#push(line);
        this.#lines.delete(bundle);
        // As a live correlator that has all up to this time.
        yield this.#pipeline.advance((bundle + 1) * bundleLength);
      }
      yield this.#pipeline.finish();
    } finally {
      if (this.#folder !== '') await rm(this.#folder, { recursive: true, force: true });
    }
  }

  #push(line: string): void {
    const fields: ObservationFields = JSON.parse(line);
    this.#pipeline.push(observationOf(fields));
  }

  #keep(observation: Observation): void {
    const bundle = Math.floor(observation.last.at / bundleLength);
    const line = JSON.stringify(observationFields(observation));
    const lines = this.#lines.get(bundle);
    if (lines) lines.push(line);
    else this.#lines.set(bundle, [line]);
    this.#characters += line.length;
  }

  async #write(): Promise<void> {
    if (this.#folder === '') this.#folder = await mkdtemp(join(tmpdir(), 'knspan-'));
    for (const [bundle, lines] of this.#lines) {
      this.#written.add(bundle);
      await appendFile(this.#file(bundle), `${lines.join('\n')}\n`);
    }
    this.#lines.clear();
    this.#characters = 0;
  }

  #file(bundle: number): string {
    return join(this.#folder, `${bundle}.jsonl`);
  }
}

async function* linesOf(file: string): AsyncGenerator<readonly string[]> {
  let left = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: readAtOnce })) {
    const lines = (left + chunk).split('\n');
    left = lines.pop() ?? '';
    yield lines;
  }
}
