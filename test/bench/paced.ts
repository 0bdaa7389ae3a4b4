/**
 * An open loop: a fixed number of requests per second, evenly spaced, whatever the responses, so that a stall of the server is visible to all
 * later requests. autocannon sends each second's requests in one burst.
 */
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

export interface Paced {
  readonly taken: number;
  readonly failed: number;
  readonly perSecond: number;
  /** From when a request was due to its answer, ms. */
  readonly p50: number;
  readonly p99: number;
}

export interface PacedOrder {
  readonly url: string;
  readonly rate: number;
  readonly seconds: number;
  /** Connections at most. */
  readonly connections: number;
  readonly next: () => { readonly headers: Readonly<Record<string, string>>; readonly body: string };
}

export async function paced({ url, rate, seconds, connections, next }: PacedOrder): Promise<Paced> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const took: number[] = [];
  let failed = 0;
  const one = (due: number) =>
    new Promise<void>((resolve) => {
      const { headers, body } = next();
      const done = (isTaken: boolean) => {
        if (isTaken) took.push(performance.now() - due);
        else failed += 1;
        resolve();
      };
      const sent = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (answer) => {
        answer.resume().on('end', () => done(answer.statusCode === 202));
      });
      sent.on('error', () => done(false)).end(body);
    });
  const began = performance.now();
  const all: Promise<void>[] = [];
  for (let sent = 0; sent < rate * seconds; ) {
    for (const due = (performance.now() - began) * (rate / 1_000); sent < due && sent < rate * seconds; sent += 1)
      all.push(one(began + (sent * 1_000) / rate));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(all);
  const perSecond = took.length / ((performance.now() - began) / 1_000);
  agent.destroy();
  took.sort((a, b) => a - b);
  const at = (part: number) => Math.round(10 * (took[Math.floor(part * took.length)] ?? 0)) / 10;
  return { taken: took.length, failed, perSecond, p50: at(0.5), p99: at(0.99) };
}
