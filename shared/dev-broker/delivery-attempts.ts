/** Retries as the `delivery` of a Trigger says, for the failures that Knative retries. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../process/clock.ts';
import type { Delivery } from './wiring.ts';

/** Outcome of one attempt. Status 0: no answer within the timeout. */
export interface Attempt {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export const noAnswer: Attempt = { status: 0, headers: {}, body: Buffer.alloc(0) };

const retried = [404, 408, 409, 429];
/** Upper bound per attempt: that of a whole delivery in a cluster. */
const attemptMostMs = 15 * 60_000;

export function isDelivered(status: number): boolean {
  return status >= 200 && status < 300;
}

export function isRetried(status: number): boolean {
  return status === 0 || status >= 500 || retried.includes(status);
}

/** Knative has no such bound, but timers have. */
const pauseMostMs = 24 * 3_600_000;

/** The pause before retry `n`, counted from 0, so the first linear retry is immediate. */
export function backoffMs(delivery: Delivery, n: number): number {
  const factor = delivery.backoffPolicy === 'linear' ? n : 2 ** n;
  return Math.min(delivery.backoffDelayMs * factor, pauseMostMs);
}

/** The outcome of the last attempt. Throws the reason of the signal if aborted. */
export async function attempts(
  delivery: Delivery,
  clock: Clock,
  signal: AbortSignal,
  once: (signal: AbortSignal) => Promise<Attempt>,
): Promise<Attempt> {
  for (let retry = 0; ; retry++) {
    const attempt = await inTime(delivery.timeoutMs ?? attemptMostMs, clock, signal, once);
    if (isDelivered(attempt.status) || !isRetried(attempt.status) || retry >= delivery.retry) return attempt;
    await clock.sleep(Math.max(backoffMs(delivery, retry), retryAfterMs(delivery, attempt, clock.now())), signal);
  }
}

async function inTime(ms: number, clock: Clock, signal: AbortSignal, once: (signal: AbortSignal) => Promise<Attempt>): Promise<Attempt> {
  const late = new AbortController();
  const done = new AbortController();
  const timer = clock.sleep(ms, AbortSignal.any([signal, done.signal])).then(
    () => {
      late.abort(new Error(`no answer within ${ms} ms`));
      return noAnswer;
    },
    () => noAnswer,
  );
  const work = once(AbortSignal.any([signal, late.signal])).catch((error: unknown) => {
    if (late.signal.aborted || signal.aborted) return noAnswer;
    throw error;
  });
  try {
    const attempt = await Promise.race([work, timer]);
    signal.throwIfAborted();
    return late.signal.aborted ? noAnswer : attempt;
  } finally {
    done.abort();
  }
}

function retryAfterMs(delivery: Delivery, attempt: Attempt, now: number): number {
  if (delivery.retryAfterMaxMs === null || (attempt.status !== 429 && attempt.status !== 503)) return 0;
  const text = attempt.headers['retry-after'] ?? '';
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Math.min(Math.max(0, Number.isNaN(ms) ? 0 : ms), delivery.retryAfterMaxMs);
}
