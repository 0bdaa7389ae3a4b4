/** Where segments go: the terminal, a file of OTLP/JSON lines, an OpenTelemetry backend. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { counted } from '../../events/quantity.ts';
import { messageOf } from '../../process/log.ts';
import { exportedBatch, otlpText } from '../../spans/otlp.ts';
import type { Segment } from '../../spans/span.ts';
import { InputError } from '../input/input-error.ts';
import { listLineOf } from './list-view.ts';
import type { Sender, Undelivered } from './otlp-output.ts';
import { clean, type Screen, screenOf } from './terminal.ts';
import { treeOf } from './tree-view.ts';

export interface OutputOptions {
  /** Absent: a tree, and nothing where traces are sent. */
  readonly view?: 'tree' | 'list' | undefined;
  readonly format?: 'otlp-json' | undefined;
  readonly out?: string | undefined;
  readonly otlp?: string | undefined;
  readonly why: boolean;
  /** Sum up nothing in the tree. */
  readonly all?: boolean;
  /** Show runtime spans in the tree. */
  readonly runtime?: boolean;
  /** A backend may be away for long: nothing is given up early. */
  readonly patient?: boolean;
}

export interface Output {
  write(segment: Segment): Promise<void>;
  /** Lets nothing lie: what was written is sent. A sentence when something was not delivered so far, else empty. */
  flush(): Promise<string>;
  /** A sentence when not everything was delivered, else empty. */
  close(): Promise<string>;
}

export async function createOutput(
  options: OutputOptions,
  stdout: Writable & { isTTY?: boolean; columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Promise<Output> {
  const file = options.out === undefined ? null : await OutFile.open(options.out);
  const put = file ? (text: string) => file.write(text) : (text: string) => written(stdout, text);
  const sends = options.otlp !== undefined || wantsBackend(env);
  const sender: Sender | null = sends ? await senderFor(options) : null;
  const screen: Screen = file ? { width: 120, colour: false } : screenOf(stdout, env);
  const show = options.format !== undefined || options.view !== undefined || file !== null || sender === null;
  return {
    async write(segment) {
      await sender?.send(segment);
      if (show) await put(linesOf(segment, options, screen));
    },
    async flush() {
      await file?.flush();
      return sentenceOf(await sender?.flush());
    },
    async close() {
      const undelivered = await sender?.close();
      await file?.close();
      return sentenceOf(undelivered);
    },
  };
}

/** Loaded when something is sent only: the exporter and what it needs cost a quarter of a second at start. */
async function senderFor({ otlp, patient }: OutputOptions): Promise<Sender> {
  const { createSender } = await import('./otlp-output.ts');
  return createSender({ url: otlp, patient: patient === true });
}

function sentenceOf(undelivered: Undelivered | undefined): string {
  const { lost, reason } = undelivered ?? { lost: 0, reason: '' };
  return lost > 0 ? `Cannot deliver ${counted(lost, 'span')} to the OTLP backend: ${clean(reason)}` : '';
}

/** A file that says what went wrong with it: before the first trace when it can't be opened, later when the disk is full. */
class OutFile {
  readonly #path: string;
  readonly #file: Writable;
  #fault: Error | null = null;

  private constructor(path: string, file: Writable) {
    this.#path = path;
    this.#file = file;
    file.on('error', (error: Error) => {
      this.#fault = error;
    });
  }

  static async open(path: string): Promise<OutFile> {
    const file = createWriteStream(path);
    await once(file, 'open').catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
    return new OutFile(path, file);
  }

  async write(text: string): Promise<void> {
    if (!this.#fault) await written(this.#file, text);
    if (this.#fault) throw cannotWrite(this.#path, this.#fault);
  }

  /** What was written is in the file, or said not to be. */
  async flush(): Promise<void> {
    if (!this.#fault) await new Promise<void>((resolve) => this.#file.write('', () => resolve()));
    if (this.#fault) throw cannotWrite(this.#path, this.#fault);
  }

  async close(): Promise<void> {
    this.#file.end();
    // A fault comes by its event; here it ends the waiting only.
    if (!this.#fault) await finished(this.#file).catch(() => {});
    if (this.#fault) throw cannotWrite(this.#path, this.#fault);
  }
}

function cannotWrite(path: string, error: unknown): InputError {
  return new InputError(`Cannot write '${path}': ${messageOf(error)}`);
}

/** The standard variables name a backend. */
function wantsBackend(env: Readonly<Record<string, string | undefined>>): boolean {
  return Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
}

function linesOf(segment: Segment, options: OutputOptions, screen: Screen): string {
  if (options.format === 'otlp-json') return `${otlpText(exportedBatch(segment))}\n`;
  if (options.view === 'list') return `${listLineOf(segment, screen)}\n`;
  return `${treeOf(segment, { screen, why: options.why, all: options.all === true, runtime: options.runtime === true }).join('\n')}\n`;
}

/** Waits when the reader is slower, but not for one that is gone. */
async function written(stream: Writable, text: string): Promise<void> {
  if (stream.write(text)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.once('drain', done).once('close', done);
  });
}
