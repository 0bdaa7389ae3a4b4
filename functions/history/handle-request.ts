/**
 * Events, object versions and segments in, rows out. An acknowledgement means that they are committed. PostgreSQL away or too much waiting:
 * 503, to be sent again; what can never be kept: 4xx, for the dead letters. The others of a batch are written all the same.
 */
import { type CompiledRules, meaningOf } from '../../shared/correlation/rules/match.ts';
import type { ReceivedEvent } from '../../shared/events/cloudevents.ts';
import type { Result } from '../../shared/events/json.ts';
import type { Micros } from '../../shared/events/observation.ts';
import type { HistoryItem, HistoryWriter, Written } from '../../shared/history/writer.ts';
import type { Answer } from '../../shared/http/server.ts';
import { classifyEvent } from '../../shared/kubernetes/classify-event.ts';
import { stopwatch } from '../../shared/process/clock.ts';
import type { Log } from '../../shared/process/log.ts';
import { parseSegmentEvent, segmentType } from '../../shared/spans/segment-event.ts';
import type { HistoryMetrics } from './metrics.ts';

export interface HandlerOptions {
  /** Rejects while PostgreSQL is away. */
  readonly writer: () => Promise<HistoryWriter>;
  readonly rules: CompiledRules;
  /** The cluster of Events that do not say theirs. */
  readonly cluster: () => Promise<Result<string>>;
  /** Event time. */
  readonly now: () => Micros;
  readonly metrics: HistoryMetrics;
  readonly log: Log;
}

/** What is not handed to the writer. */
type Unwritten = { readonly kind: 'ignored' } | { readonly kind: 'malformed' | 'away'; readonly reason: string };
type Outcome = Written | Unwritten;

const retryAfterSeconds = 2;
const linesPerMinute = 20;
const written: Answer = { status: 202 };

export class HistoryHandler {
  readonly #options: HandlerOptions;

  constructor(options: HandlerOptions) {
    this.#options = options;
  }

  async handle(events: readonly ReceivedEvent[]): Promise<Answer> {
    const outcomes = await Promise.all(events.map((event) => this.#take(event)));
    const worst = outcomes.find(({ kind }) => kind === 'away' || kind === 'full') ?? outcomes.find((one) => 'reason' in one);
    if (worst === undefined || !('reason' in worst)) return written;
    const { kind, reason } = worst;
    const { log } = this.#options;
    if (kind === 'away' || kind === 'full') {
      log.sampled(kind, linesPerMinute)?.error('cannot write to the history', { reason });
      return { status: 503, retryAfterSeconds, reason: `Cannot write to the history: ${reason}` };
    }
    const [event] = events;
    log.sampled(kind, linesPerMinute)?.warn('refused an event', { reason, id: event?.id, source: event?.source, type: event?.type });
    return { status: kind === 'malformed' ? 400 : 422, reason };
  }

  async #take(event: ReceivedEvent): Promise<Outcome> {
    const seconds = stopwatch();
    const kind = event.type === segmentType ? 'segment' : event.extensions['kind'] === 'Event' ? 'event' : 'object';
    const { metrics } = this.#options;
    const outcome = await this.#write(event);
    metrics.items.add({ kind, outcome: outcome.kind });
    if (outcome.kind === 'written') metrics.seconds.observe({ kind }, seconds());
    return outcome;
  }

  async #write(event: ReceivedEvent): Promise<Outcome> {
    const item = event.type === segmentType ? segmentItem(event) : await this.#eventItem(event);
    if ('reason' in item || item.kind === 'ignored') return item;
    try {
      return await (await this.#options.writer()).write(item);
    } catch (error) {
      return { kind: 'away', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  async #eventItem(event: ReceivedEvent): Promise<HistoryItem | Unwritten> {
    const { rules, now } = this.#options;
    const own: Result<string> = event.extensions['cluster'] === undefined ? await this.#options.cluster() : { ok: true, value: '' };
    if (!own.ok) return { kind: 'away', reason: own.reason };
    const classified = classifyEvent(event, own.value, now());
    switch (classified.kind) {
      case 'event': {
        const { cluster, observation } = classified;
        return { kind: 'event', cluster, observation, meaning: meaningOf(rules, observation) };
      }
      case 'object':
        return { kind: 'object', cluster: classified.cluster, version: classified.version, seenAt: classified.version.seenAt ?? now() };
      case 'refused':
        return { kind: 'malformed', reason: classified.reason };
      case 'tick':
        return { kind: 'ignored' };
      case 'ignored':
        // Only a Trigger that is set up wrong brings another type: to accept it would be to lose it in silence.
        return classified.why === 'expired'
          ? { kind: 'ignored' }
          : {
              kind: 'malformed',
              reason: `Cannot keep event: its type is '${event.type.slice(0, 100)}', wanted Events or '${segmentType}'`,
            };
    }
  }
}

/** The cluster of a segment stands in it. */
function segmentItem(event: ReceivedEvent): HistoryItem | Unwritten {
  const parsed = parseSegmentEvent(event);
  if (!parsed.ok) return { kind: 'malformed', reason: parsed.reason };
  const { segment } = parsed.value;
  return { kind: 'segment', cluster: segment.cluster, segment };
}
