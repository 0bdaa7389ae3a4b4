/**
 * Requests to the reconciler: a dead letter is stored, then acknowledged; a tick starts a listing and the sending of dead letters, a
 * suspected gap a listing of its namespace. By `/dead-letters/NAME` come events that the Broker could not deliver to the subscriber NAME; by
 * `/` ticks, gaps, and dead letters that name it themselves.
 */
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import type { Answer, RequestFacts } from '../../shared/http/server.ts';
import { tickType } from '../../shared/process/event-selection.ts';
import { gapType } from '../../shared/process/gap-event.ts';
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
    const fault = living.map(faultOf).find((reason) => reason !== '');
    if (fault !== undefined) return { status: 400, reason: `Cannot accept event: ${fault}` };
    try {
      const taken = dead.length === 0 ? { status: 202 } : await letters.take(dead, name);
      if (taken.status !== 202) return taken;
      for (const { type, extensions } of living) {
        if (type === tickType) deadLetterLoop.nudge();
        const answer = type === tickType ? await ticks.tick() : await ticks.gap(extensions['namespace'] ?? '');
        if (answer.status !== 202) return answer;
      }
      return taken;
    } catch (error) {
      log.sampled('store', 5)?.error('store unavailable: nothing is acknowledged', { reason: messageOf(error) });
      return { status: 503, retryAfterSeconds: 1, reason: 'Cannot accept event: the store does not answer' };
    }
  };
}

const namespacePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Empty for a tick and a gap. */
function faultOf({ type, extensions: { namespace = '' } }: ReceivedEvent): string {
  if (type === tickType || (type === gapType && namespacePattern.test(namespace))) return '';
  if (type === gapType) return `its namespace is '${namespace.slice(0, 100)}', wanted the name of a namespace`;
  return `its type is '${type.slice(0, 100)}', wanted '${tickType}', '${gapType}' or a dead letter`;
}
