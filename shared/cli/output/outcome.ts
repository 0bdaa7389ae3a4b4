/** What a person wants to know of a trace first: how it ended, why, and how long it truly took. */

import { counted, uncertainDurationText } from '../../events/quantity.ts';
import type { Segment, Span } from '../../spans/span.ts';
import { type Colour, clean, cut, widthOf } from './terminal.ts';

export function outcomeOf(segment: Segment, root: Span): { readonly outcome: string; readonly colour: Colour } {
  const outcome = clean(String(root.attributes['knspan.outcome'] ?? segment.severity));
  return { outcome, colour: outcome === 'ok' ? 'green' : outcome === 'failed' ? 'red' : 'yellow' };
}

export interface Cause {
  readonly lead: 'because' | 'on the way:';
  /** Empty: nothing failed. */
  readonly text: string;
  readonly colour: Colour;
}

/** Why it failed; of one that did not, what failed on the way. */
export function causeOf(segment: Segment, root: Span): Cause {
  const cause = root.attributes['knspan.cause'];
  if (typeof cause === 'string' && cause.trim() !== '') return { lead: 'because', text: tidy(cause), colour: 'red' };
  const failures = segment.spans.filter((span) => span !== root && span.status === 'error');
  const first = failures.reduce<Span | null>(
    (earliest, span) => (earliest === null || span.start < earliest.start ? span : earliest),
    null,
  );
  if (first === null) return { lead: 'on the way:', text: '', colour: 'yellow' };
  const count = failures.length === 1 ? '' : `${counted(failures.length, 'failure')}, the first: `;
  const text = `${count}${tidy(first.statusMessage === '' ? first.title : first.statusMessage)}`;
  return { lead: 'on the way:', text, colour: 'yellow' };
}

const uid = /\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)/g;

/** Without uids in parentheses, which no person reads, and without what an empty part leaves: `Liveness probe failed: `. */
export function tidy(text: string): string {
  return clean(text.replaceAll(uid, '').trim().replace(/:$/, ''));
}

/** `Deployment shop/web: rollout`: where there is little room the name gives way, not what happened. */
export function titleIn(title: string, room: number): string {
  const [, object = '', change = ''] = /^(.*?)(: [a-z]+)(?: \(.*\))?$/.exec(title) ?? [];
  const least = widthOf(change) + 4;
  if (change === '' || least > room || widthOf(object) + widthOf(change) < room) return cut(title, room);
  return cut(object, room - widthOf(change)) + change;
}

/** One moment: of such a span no duration is known. */
export function isInstant(span: Span): boolean {
  return span.end - span.start <= 1;
}

/** The duration, no more exact than the times that Kubernetes cut to the second allow. */
export function lastingText(span: Span): string {
  if (span.attributes['knspan.extent'] === 'point') return '·';
  const micros = span.end - span.start;
  return uncertainDurationText(micros, Number(span.attributes['knspan.time.uncertainty_ms'] ?? 0) * 1_000);
}
