/** What the correlator counts. */
import type { SinkOutcome } from '../../shared/http/sink.ts';
import type { Log } from '../../shared/process/log.ts';
import type { HistogramMetric, Metrics } from '../../shared/process/metrics.ts';
import { droppedParkedCounter, sharedSizes } from '../../shared/store/metrics.ts';
import type { CommitOutcome, Store } from '../../shared/store/store.ts';

export const storeSteps = ['append', 'sweep'] as const;

/** What deciding counts. */
export interface DecideMeters {
  routed(count: number): void;
  decided(
    outcome: CommitOutcome | 'postponed' | 'failed',
    segments: readonly { readonly severity: 'ok' | 'error'; readonly spans: number }[],
  ): void;
  sent(outcome: SinkOutcome['kind']): void;
  /** A sweep that has found something to do. */
  swept(seconds: number): void;
  /** So many namespaces wait for a stream that is behind. */
  held(count: number): void;
  /** What became of asking for a listing. */
  asked(outcome: SinkOutcome['kind']): void;
  /** So many parked segments were dropped for newer ones. */
  dropped(count: number): void;
}

export function metersOf(metrics: Metrics, store: Store, now: () => number, log: Log) {
  const look = sharedSizes(store);
  const pending = { stage: ['inbox', 'undecided', 'domains', 'outbox', 'deadLetters', 'parked'] } as const;
  metrics.gauge('knspan_pending', 'What the store holds by stage: observations, domains, segments', pending, async (gauge) => {
    const figures = await look();
    if (!figures) return;
    for (const stage of pending.stage) gauge.set({ stage }, figures[stage]);
  });
  metrics.gauge('knspan_outbox_age_seconds', 'Age of the oldest segment in the outbox', {}, async (gauge) => {
    const since = (await look())?.outboxSince ?? null;
    gauge.set({}, since === null ? 0 : Math.max(0, (now() - since) / 1_000));
  });
  const latency = metrics.histogram(
    'knspan_store_seconds',
    'Time to write down what has come, and of a sweep that has found something to do',
    { step: storeSteps },
  );
  return {
    latency,
    deciding: decideMetersOf(metrics, latency, log),
    taken: metrics.counter('knspan_events_total', 'Events received, by what became of them', {
      type: ['add', 'update', 'missed', 'object', 'tick', 'other'],
      outcome: ['new', 'repeated', 'taken', 'ignored', 'refused', 'no_room', 'store_away'],
    }),
  };
}

function decideMetersOf(metrics: Metrics, latency: HistogramMetric<{ step: typeof storeSteps }>, log: Log): DecideMeters {
  const routed = metrics.counter('knspan_routed_total', 'Observations that have reached their domain', {});
  const outcome = ['committed', 'stale', 'full', 'postponed', 'failed'] as const;
  const decisions = metrics.counter('knspan_decisions_total', 'Decisions on domains', { outcome });
  const segments = metrics.counter('knspan_segments_total', 'Segments decided', { severity: ['ok', 'error'] });
  const spans = metrics.counter('knspan_spans_total', 'Spans decided', {});
  const sent = metrics.counter('knspan_sent_total', 'Segments sent to the sink', { outcome: ['accepted', 'retry', 'rejected'] });
  const gaps = metrics.counter('knspan_gaps_total', 'Listings of a namespace requested before a decision', {
    outcome: ['accepted', 'retry', 'rejected'],
  });
  let held = 0;
  metrics.gauge('knspan_held_namespaces', 'Namespaces not decided because their Events arrive late', {}, (gauge) => gauge.set({}, held));
  return {
    held: (count) => {
      held = count;
    },
    asked: (how) => gaps.add({ outcome: how }),
    routed: (count) => routed.add({}, count),
    decided: (how, made) => {
      decisions.add({ outcome: how });
      for (const one of made) {
        segments.add({ severity: one.severity });
        spans.add({}, one.spans);
      }
    },
    sent: (how) => sent.add({ outcome: how }),
    swept: (seconds) => latency.observe({ step: 'sweep' }, seconds),
    dropped: droppedParkedCounter(metrics, log),
  };
}

export type Meters = ReturnType<typeof metersOf>;
