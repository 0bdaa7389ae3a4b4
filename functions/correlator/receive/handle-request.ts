/** The flow of the correlator: what a request brings is written down, then acknowledged; deciding comes later, by `sweeper.ts`. */

import { type CompiledRules, meaningOf } from '../../../shared/correlation/rules/match.ts';
import { routableAt } from '../../../shared/correlation/steps.ts';
import type { ReceivedEvent } from '../../../shared/events/cloudevents.ts';
import type { Micros } from '../../../shared/events/observation.ts';
import type { Answer } from '../../../shared/http/server.ts';
import { type ClassifiedEvent, classifyEvent } from '../../../shared/kubernetes/classify-event.ts';
import { stopwatch } from '../../../shared/process/clock.ts';
import type { Log } from '../../../shared/process/log.ts';
import type { Tracing } from '../../../shared/process/tracing.ts';
import { eventKey } from '../../../shared/store/keys.ts';
import type { InboxEntry, IndexEntry } from '../../../shared/store/store.ts';
import { type EventEntry, eventText } from '../codec.ts';
import type { LateArrivalGate } from '../decide/late-arrival-gate.ts';
import type { Owners } from '../decide/owner-lookup.ts';
import type { Meters } from '../metrics.ts';
import { type Backpressure, retryAfterSeconds } from './backpressure.ts';
import { entriesOfObject, type RecentFactFilter } from './fact-filter.ts';
import type { InboxBatch, InboxWriter } from './inbox-writer.ts';

export interface HandleOptions {
  readonly cluster: string;
  readonly rules: CompiledRules;
  readonly appender: InboxWriter;
  readonly recall: RecentFactFilter;
  readonly room: Backpressure;
  readonly hold: LateArrivalGate;
  readonly owners: Owners;
  readonly meters: Meters;
  readonly log: Log;
  readonly tracing: Tracing;
  /** Event time. */
  readonly now: () => Micros;
  /** Looks after what is due, without waiting. */
  readonly nudge: () => void;
  /** Waits for what is due, up to a bound. False when the store is away. */
  readonly tick: () => Promise<boolean>;
}

type Arrived = Extract<ClassifiedEvent, { readonly kind: 'event' }>;

/** What need not be done for the answer is begun once it is sent: in a cold start, to load what asks for owners alone takes longer than that. */
export function handler(options: HandleOptions): (events: readonly ReceivedEvent[]) => Promise<Answer> {
  const { meters, log } = options;
  return async (events) => {
    const intakes = events.map((event) => classifyEvent(event, options.cluster, options.now()));
    const arrived = intakes.flatMap((intake) => (intake.kind === 'event' ? [intake] : []));
    const brought = broughtBy(intakes, arrived, options);
    const written = brought.inbox.length + brought.versions.length > 0 ? await write(brought, options) : 'ignored';
    for (const [place, event] of events.entries()) meters.taken.add({ type: typeOf(event), outcome: outcomeOf(intakes[place], written) });
    if (written === 'no_room')
      return { status: 503, retryAfterSeconds: retryAfterSeconds, reason: 'Cannot take event: too much is pending' };
    if (written === 'store_away') return storeAway;
    // After the answer: it must not wait for what they begin.
    setImmediate(() => options.owners.prefetch(arrived.map(({ cluster, observation }) => ({ cluster, involved: observation.involved }))));
    if (!intakes.some(({ kind }) => kind === 'tick')) setImmediate(options.nudge);
    else if (!(await options.tick())) return storeAway;
    // The others of a batch are taken all the same: who sent it will not send it again.
    const refused = intakes.find((intake) => intake.kind === 'refused');
    if (!refused) return { status: 202 };
    log.sampled('refused', 10)?.warn('refused an event', { reason: refused.reason, id: events[0]?.id, source: events[0]?.source });
    return { status: 400, reason: refused.reason };
  };
}

const storeAway: Answer = { status: 503, retryAfterSeconds: 1, reason: 'Cannot take event: the store does not answer' };

/** `written`: what became of those that were to be written down. */
function outcomeOf(intake: ClassifiedEvent | undefined, written: string): string {
  if (intake?.kind === 'tick') return 'taken';
  return intake?.kind === 'refused' || intake?.kind === 'ignored' ? intake.kind : written;
}

async function write(brought: InboxBatch, { appender, recall, room, meters, log, tracing }: HandleOptions): Promise<string> {
  const seconds = stopwatch();
  try {
    const appended = await tracing.span('append', () => appender.append(brought));
    meters.latency.observe({ step: 'append' }, seconds());
    if (!appended) {
      room.turnedAway();
      log.sampled('full', 5)?.error('too much is pending: events are turned away');
      return 'no_room';
    }
    room.taken();
    recall.written(brought.facts);
    return appended.fresh > 0 || brought.inbox.length === 0 ? 'new' : 'repeated';
  } catch (error) {
    log.sampled('store', 5)?.error('the store does not answer: nothing is acknowledged', { reason: String(error) });
    return 'store_away';
  }
}

function broughtBy(
  intakes: readonly ClassifiedEvent[],
  arrived: readonly Arrived[],
  { rules, recall, hold, tracing, now }: HandleOptions,
): InboxBatch {
  const inbox: InboxEntry[] = [];
  const facts: IndexEntry[] = hold.entriesFor(arrived, now());
  const origin = tracing.origin();
  for (const { cluster, observation } of arrived) {
    const meaning = meaningOf(rules, observation);
    inbox.push(toInbox(cluster, { observation, meaning, origin }, rules, now()));
    facts.push(...recall.factsOf(cluster, observation, meaning));
  }
  const versions = intakes.flatMap((intake) => (intake.kind === 'object' ? entriesOfObject(intake.cluster, intake.version) : []));
  return { inbox, facts, versions };
}

/** An Event from the future (a clock that is wrong) is not waited for longer than one from now. */
function toInbox(cluster: string, event: EventEntry, rules: CompiledRules, now: Micros): InboxEntry {
  const { observation } = event;
  return {
    event: eventKey(cluster, observation),
    n: observation.n,
    version: observation.resourceVersion,
    due: routableAt(Math.min(observation.last.at, now)),
    body: eventText(event, rules),
  };
}

const types: Readonly<Record<string, string>> = {
  'dev.knative.apiserver.resource.add': 'add',
  'dev.knative.apiserver.resource.update': 'update',
  'dev.knspan.event.missed': 'missed',
  'dev.knative.sources.ping': 'tick',
};

function typeOf({ type, extensions }: ReceivedEvent): string {
  return extensions['kind'] !== undefined && extensions['kind'] !== 'Event' ? 'object' : (types[type] ?? 'other');
}
