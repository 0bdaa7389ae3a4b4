/** Correlators over one store, for tests: real HTTP in, a sink that keeps what it gets, time by hand. */
import { type RunningCorrelator, startCorrelator } from '../../functions/correlator/index.ts';
import { parseHttp } from '../../shared/events/cloudevents.ts';
import type { Sink, SinkOutcome } from '../../shared/http/sink.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import { Log } from '../../shared/process/log.ts';
import { Metrics } from '../../shared/process/metrics.ts';
import { Settings } from '../../shared/process/settings.ts';
import { parseSegmentEvent } from '../../shared/spans/segment-event.ts';
import type { Segment } from '../../shared/spans/span.ts';
import type { Store } from '../../shared/store/store.ts';

/** Keeps every CloudEvent by its id; counts copies; tells those that differ under one id. */
export class KeepingSink implements Sink {
  readonly bodies = new Map<string, string>();
  copies = 0;
  readonly differing: string[] = [];
  answer: (body: string) => SinkOutcome | Promise<SinkOutcome> = () => ({ kind: 'accepted' });

  async send(body: string): Promise<SinkOutcome> {
    const outcome = await this.answer(body);
    if (outcome.kind !== 'accepted') return outcome;
    const parsed: unknown = JSON.parse(body);
    const id = typeof parsed === 'object' && parsed !== null && 'id' in parsed ? String(parsed.id) : '';
    const known = this.bodies.get(id);
    if (known === undefined) this.bodies.set(id, body);
    else if (known === body) this.copies += 1;
    else this.differing.push(id);
    return outcome;
  }

  close(): void {}

  segments(): Segment[] {
    return [...this.bodies.values()].map((body) => {
      const events = parseHttp({ 'content-type': 'application/cloudevents+json' }, Buffer.from(body));
      const event = events.ok ? events.value[0] : undefined;
      if (!event) throw new Error('Cannot read a segment: wanted one CloudEvent');
      const parsed = parseSegmentEvent(event);
      if (!parsed.ok) throw new Error(parsed.reason);
      return parsed.value.segment;
    });
  }
}

export interface Correlators {
  readonly clock: ManualClock;
  readonly sink: KeepingSink;
  readonly running: readonly RunningCorrelator[];
  readonly logged: string[];
  stop(): Promise<void>;
}

export async function startCorrelators(
  count: number,
  storeOf: (clock: ManualClock) => Store | Promise<Store>,
  at: number,
): Promise<Correlators> {
  const clock = new ManualClock(at);
  const sink = new KeepingSink();
  const logged: string[] = [];
  const running: RunningCorrelator[] = [];
  for (let index = 0; index < count; index += 1) {
    const settings = new Settings({ PORT: '0', KNSPAN_LOOKUPS: 'false' });
    const log = new Log({ function: 'correlator', level: 'warn', clock, write: (line) => logged.push(line) });
    running.push(
      await startCorrelator(
        { settings, log, metrics: new Metrics(), clock },
        { store: await storeOf(clock), sink, cluster: 'test', beats: false },
      ),
    );
  }
  return {
    clock,
    sink,
    running,
    logged,
    stop: async () => {
      for (const one of running) await one.close(1_000);
    },
  };
}
