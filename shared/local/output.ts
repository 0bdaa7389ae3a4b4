/** Where segments go: the terminal, a file of OTLP/JSON lines, an OpenTelemetry backend. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { toOtlpRequest } from '../spans/otlp.ts';
import type { Segment } from '../spans/span.ts';
import { messageOf } from './documents.ts';
import { InputError } from './input.ts';
import type { Sender, Undelivered } from './send.ts';
import { clean, type Screen, screenOf } from './terminal.ts';
import { listLineOf } from './view-list.ts';
import { treeOf } from './view-tree.ts';

export interface OutputOptions {
  readonly view: 'tree' | 'list';
  readonly format?: 'otlp-json' | undefined;
  readonly out?: string | undefined;
  readonly otlp?: string | undefined;
  readonly why: boolean;
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
  const file = options.out === undefined ? null : await opened(options.out);
  const text: Writable = file ?? stdout;
  const sends = options.otlp !== undefined || wantsBackend(env);
  const sender: Sender | null = sends ? await senderFor(options) : null;
  const screen: Screen = file ? { width: 120, colour: false } : screenOf(stdout, env);
  const show = options.format === 'otlp-json' || file !== null || sender === null;
  return {
    async write(segment) {
      await sender?.send(segment);
      if (show) await put(text, linesOf(segment, options, screen));
    },
    async flush() {
      return sentenceOf(await sender?.flush());
    },
    async close() {
      const undelivered = await sender?.close();
      if (file) await new Promise<void>((resolve) => file.end(resolve));
      return sentenceOf(undelivered);
    },
  };
}

/** Loaded when something is sent only: the exporter and what it needs cost a quarter of a second at start. */
async function senderFor({ otlp, patient }: OutputOptions): Promise<Sender> {
  const { createSender } = await import('./send.ts');
  return createSender({ url: otlp, patient: patient === true });
}

function sentenceOf(undelivered: Undelivered | undefined): string {
  const { lost, reason } = undelivered ?? { lost: 0, reason: '' };
  return lost > 0 ? `Cannot deliver ${lost} spans to the OTLP backend: ${clean(reason)}` : '';
}

/** Fails before the first trace when the file can't be written. */
async function opened(path: string): Promise<Writable> {
  const file = createWriteStream(path);
  await once(file, 'open').catch((error: unknown) => {
    throw new InputError(`Cannot write '${path}': ${messageOf(error)}`);
  });
  return file;
}

/** The standard variables name a backend. */
function wantsBackend(env: Readonly<Record<string, string | undefined>>): boolean {
  return Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
}

function linesOf(segment: Segment, options: OutputOptions, screen: Screen): string {
  if (options.format === 'otlp-json') return `${JSON.stringify(toOtlpRequest(segment))}\n`;
  if (options.view === 'list') return `${listLineOf(segment, screen)}\n`;
  return `${treeOf(segment, { screen, why: options.why }).join('\n')}\n`;
}

/** Waits when the reader is slower. */
async function put(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await new Promise<void>((resolve) => stream.once('drain', resolve));
}
