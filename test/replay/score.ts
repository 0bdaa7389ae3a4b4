/** Scores traces against labelled Events: parents, grouping into changes, pull durations. */

import type { Observation } from '../../shared/events/observation.ts';
import { goDurationMicros } from '../../shared/events/time.ts';
import type { Segment, Span } from '../../shared/spans/span.ts';
import type { Labels } from '../helpers/trace.ts';

export interface Score {
  readonly parents: number;
  readonly f1: number;
  readonly missing: string[];
  readonly wrong: string[];
  readonly pullsWrong: number;
}

interface Told {
  readonly segment: Segment;
  readonly span: Span;
  readonly asEvent: boolean;
  readonly n: number;
}

export function score(segments: readonly Segment[], labels: Labels, observations: readonly Observation[]): Score {
  const chosen = new Map<string, Told>();
  for (const segment of segments) {
    for (const span of segment.spans) {
      consider(chosen, span.attributes['k8s.event.uid'], {
        segment,
        span,
        asEvent: false,
        n: Number(span.attributes['k8s.event.count'] ?? 0),
      });
      for (const event of span.events)
        consider(chosen, event.attributes['k8s.event.uid'], {
          segment,
          span,
          asEvent: true,
          n: Number(event.attributes['k8s.event.count'] ?? 0),
        });
    }
  }
  const uids = Object.keys(labels.events);
  const wrong = uids.filter((uid) => {
    const told = chosen.get(uid);
    return told !== undefined && !rightParent(uid, told, labels);
  });
  return {
    parents: (100 * (uids.length - wrong.length)) / uids.length,
    f1: grouping(uids, chosen, labels),
    missing: uids.filter((uid) => !chosen.has(uid)),
    wrong,
    pullsWrong: pullsWrong(segments, observations),
  };
}

function consider(chosen: Map<string, Told>, uid: unknown, told: Told): void {
  if (typeof uid !== 'string') return;
  const known = chosen.get(uid);
  if (!known || told.n < known.n || (told.n === known.n && known.asEvent && !told.asEvent)) chosen.set(uid, told);
}

/** The nearest span above that stands for another Event; a span event may also count as its span. */
function rightParent(uid: string, told: Told, labels: Labels): boolean {
  const label = labels.events[uid];
  const byId = new Map(told.segment.spans.map((span) => [span.spanId, span]));
  const accepts = (from: Span | undefined): boolean => {
    for (let at = from; at; at = byId.get(at.parentSpanId)) {
      const above = at.attributes['k8s.event.uid'];
      if (typeof above !== 'string' || above === uid) continue;
      return Boolean(label?.parents.some((parent) => parent === above || parent === `${above}#${at?.attributes['k8s.event.count'] ?? 0}`));
    }
    return label?.mayBeRoot ?? false;
  };
  return (told.asEvent && accepts(told.span)) || accepts(byId.get(told.span.parentSpanId));
}

function grouping(uids: readonly string[], chosen: ReadonlyMap<string, Told>, labels: Labels): number {
  let together = 0;
  let mixed = 0;
  let apart = 0;
  const changes = (uid: string) => [labels.events[uid]?.change ?? '', ...(labels.events[uid]?.altChanges ?? [])];
  for (const [index, left] of uids.entries()) {
    for (const right of uids.slice(index + 1)) {
      const same = chosen.get(left)?.segment.traceId === chosen.get(right)?.segment.traceId;
      const [a, b] = [changes(left), changes(right)];
      if (!a.some((change) => b.includes(change))) mixed += same ? 1 : 0;
      else if (a[0] === b[0] && a.length === b.length && a.every((change) => b.includes(change))) {
        if (same) together += 1;
        else apart += 1;
      }
    }
  }
  const precision = together / Math.max(1, together + mixed);
  const recall = together / Math.max(1, together + apart);
  return (2 * precision * recall) / Math.max(Number.EPSILON, precision + recall);
}

/** A stated pull duration is the length of exactly one pull phase, within 50 ms. */
function pullsWrong(segments: readonly Segment[], observations: readonly Observation[]): number {
  const pulls = segments.flatMap((segment) => segment.spans).filter((span) => span.attributes['knspan.phase'] === 'pull');
  const stated = new Map<string, number>();
  for (const { uid, message } of observations) {
    const duration = /^Successfully pulled image .* in ([\d.]+[a-zµ]+)/.exec(message)?.[1];
    if (duration) stated.set(uid, goDurationMicros(duration) ?? 0);
  }
  return [...stated].filter(([uid, micros]) => {
    const told = pulls.filter(
      (span) => span.attributes['k8s.event.uid'] === uid || span.events.some((event) => event.attributes['k8s.event.uid'] === uid),
    );
    return told.length !== 1 || Math.abs((told[0]?.end ?? 0) - (told[0]?.start ?? 0) - micros) > 50_000;
  }).length;
}
