/**
 * Requests to the reconciler: a dead letter is stored, then acknowledged; a tick starts a listing and the sending of dead letters. By
 * `/dead-letters/NAME` come events that the Broker could not deliver to the subscriber NAME; by `/` ticks, and dead letters that name it
 * themselves.
 */
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import type { Answer, RequestFacts } from '../../shared/http/server.ts';
import { tickType } from '../../shared/process/event-selection.ts';
import { type Log, messageOf } from '../../shared/process/log.ts';
import type { DeadLetterLoop } from './dead-letter-loop.ts';
import { type DeadLetters, isDeadLetter } from './dead-letters.ts';
import type { TickHandler } from './tick-handler.ts';

export interface HandleOptions {
  readonly letters: DeadLetters;
  readonly deadLetterLoop: DeadLetterLoop;
  readonly ticks: TickHandler;
  readonly log: Log;
}

export function handler({
  letters,
  deadLetterLoop,
  ticks,
  log,
}: HandleOptions): (events: readonly ReceivedEvent[], request: Pick<RequestFacts, 'name'>) => Promise<Answer> {
  return async (events, { name }) => {
    const dead = events.filter((event) => name !== '' || isDeadLetter(event));
    const living = events.filter((event) => !dead.includes(event));
    const strange = living.find(({ type }) => type !== tickType);
    if (strange)
      return {
        status: 400,
        reason: `Cannot accept event: its type is '${strange.type.slice(0, 100)}', wanted '${tickType}' or a dead letter`,
      };
    try {
      const taken = dead.length === 0 ? { status: 202 } : await letters.take(dead, name);
      if (taken.status !== 202 || living.length === 0) return taken;
      deadLetterLoop.nudge();
      return await ticks.tick();
    } catch (error) {
      log.sampled('store', 5)?.error('store unavailable: nothing is acknowledged', { reason: messageOf(error) });
      return { status: 503, retryAfterSeconds: 1, reason: 'Cannot accept event: the store does not answer' };
    }
  };
}
