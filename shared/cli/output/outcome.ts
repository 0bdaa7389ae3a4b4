/** What a person wants to know of a trace first: how it ended, why, and how long it truly took. */

import { counted, durationText, uncertainDurationText } from '../../events/quantity.ts';
import type { Segment, Span } from '../../spans/span.ts';
import { type Colour, clean, cut, widthOf } from './terminal.ts';

export function outcomeOf(segment: Segment, root: Span): { readonly outcome: string; readonly colour: Colour } {
  const outcome = clean(String(root.attributes['knspan.outcome'] ?? segment.severity));
  return { outcome, colour: colours[outcome] ?? 'yellow' };
}

const colours: Readonly<Record<string, Colour>> = { ok: 'green', recovered: 'green', failing: 'red', failed: 'red', error: 'red' };

/** `recovered after 20.0 s`: from the first sign of trouble to the last of recovery. */
export function outcomeText(root: Span, outcome: string): string {
  const ms = Number(root.attributes['knspan.trouble.duration_ms'] ?? 0);
  return outcome === 'recovered' && ms > 0 ? `${outcome} after ${durationText(ms * 1_000)}` : outcome;
}

/** `19 events`: all that the trace tells of, also the repeats that were only counted. */
export function eventsOf(segment: Segment, root: Span): string {
  const events = root.attributes['knspan.events'];
  return typeof events === 'string' ? `${clean(events)} events` : counted(Number(events ?? segment.spans.length), 'event');
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
  const overcome = root.attributes['knspan.trouble'];
  if (Array.isArray(overcome) && overcome.length > 0)
    return { lead: 'on the way:', text: overcome.map((one) => tidy(String(one))).join('; '), colour: 'yellow' };
  const failed = segment.spans.find((span) => span !== root && span.status === 'error');
  return { lead: 'on the way:', text: failed ? tidy(failed.statusMessage || failed.title) : '', colour: 'yellow' };
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
