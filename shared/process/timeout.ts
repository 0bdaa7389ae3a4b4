/** A bound on waiting. The work itself continues. */
import type { Clock } from './clock.ts';

/** The result of the work, or `late` after this time, ms of the clock. */
export async function within<T, L>(work: Promise<T>, ms: number, clock: Clock, late: L): Promise<T | L> {
  const done = new AbortController();
  const timer = clock.sleep(Math.max(0, ms), done.signal).then(
    () => late,
    () => late,
  );
  try {
    return await Promise.race([work, timer]);
  } finally {
    done.abort();
  }
}
