/** Sends segments to an OpenTelemetry backend through the official OTLP/HTTP exporter, which reads OTEL_EXPORTER_OTLP_* itself. */
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createOtlpExporter, type OtlpExporter } from '../../spans/otlp-exporter.ts';
import { type Resources, toReadableSpans } from '../../spans/readable.ts';
import type { Segment } from '../../spans/span.ts';
import { InputError } from '../input/input-error.ts';

export interface Sender {
  /** Takes the spans; waits while too many requests are under way. */
  send(segment: Segment): Promise<void>;
  /** Sends what is left and waits until the backend has answered; tells what it has not taken so far. */
  flush(): Promise<Undelivered>;
  /** Flushes and lets go of the connections. */
  close(): Promise<Undelivered>;
}

export interface Undelivered {
  readonly lost: number;
  readonly reason: string;
}

const spansInRequest = 512;
/** Rough size of the texts in a request; collectors refuse bodies of some MiB. */
const charactersInRequest = 1_000_000;
const requestsMost = 4;
/** After so many failures in a row, and no success, the rest is not tried: each may last as long as the exporter's timeout. */
const failuresMost = 8;

export interface SenderOptions {
  /** The base of the collector or the full path of its traces. Absent: from the environment. */
  readonly url?: string | undefined;
  /** Sends for as long as it takes, also to a backend that has been away for long (`watch`). */
  readonly patient?: boolean;
}

export async function createSender(options: SenderOptions = {}): Promise<Sender> {
  const url = options.url === undefined ? undefined : tracesUrl(options.url);
  const exporter = createOtlpExporter({ protocol: 'http/json', ...(url === undefined ? {} : { url }) });
  return new BatchSender(exporter, options.patient === true);
}

class BatchSender implements Sender {
  readonly #exporter: OtlpExporter;
  readonly #patient: boolean;
  readonly #resources: Resources = new Map();
  readonly #underWay = new Set<Promise<void>>();
  #batch: ReadableSpan[] = [];
  #characters = 0;
  #lost = 0;
  #reason = '';
  #failuresInARow = 0;

  constructor(exporter: OtlpExporter, patient: boolean) {
    this.#exporter = exporter;
    this.#patient = patient;
  }

  async send(segment: Segment): Promise<void> {
    for (const span of toReadableSpans(segment, this.#resources)) {
      this.#batch.push(span);
      this.#characters += charactersOf(span);
      if (this.#batch.length >= spansInRequest || this.#characters >= charactersInRequest) await this.#post();
    }
  }

  async flush(): Promise<Undelivered> {
    await this.#post();
    await Promise.all(this.#underWay);
    return { lost: this.#lost, reason: this.#reason };
  }

  async close(): Promise<Undelivered> {
    const undelivered = await this.flush();
    await this.#exporter.close();
    return undelivered;
  }

  async #post(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#characters = 0;
    if (batch.length === 0) return;
    while (this.#underWay.size >= requestsMost) await Promise.race(this.#underWay);
    if (!this.#patient && this.#failuresInARow >= failuresMost) {
      this.#lost += batch.length;
      return;
    }
    const request = this.#export(batch).finally(() => this.#underWay.delete(request));
    this.#underWay.add(request);
  }

  async #export(batch: ReadableSpan[]): Promise<void> {
    const outcome = await this.#exporter.export(batch);
    const taken = outcome.kind === 'accepted';
    this.#failuresInARow = taken ? 0 : this.#failuresInARow + 1;
    const lost = taken ? outcome.rejected : batch.length;
    if (lost === 0) return;
    this.#lost += lost;
    this.#reason = outcome.reason || 'the backend refused some spans';
  }
}

function charactersOf(span: ReadableSpan): number {
  let sum = span.name.length + (span.status.message?.length ?? 0);
  for (const attributes of [span.attributes, ...span.events.map((event) => event.attributes ?? {})])
    for (const [key, value] of Object.entries(attributes)) sum += key.length + String(value).length;
  return sum;
}

function tracesUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new InputError(`Cannot send to '${text}': wanted a URL, e.g. http://localhost:4318`);
  if (!/\/v1\/traces\/?$/.test(url.pathname)) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
  return url.href;
}
