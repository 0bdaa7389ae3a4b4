/** The list view: one line a trace. */
import type { Segment } from '../spans/span.ts';
import { clean, cut, durationText, pad, padLeft, paint, type Screen, timeText } from './terminal.ts';

export function listLineOf(segment: Segment, screen: Screen): string {
  const root = segment.spans.find((span) => span.parentSpanId === '') ?? segment.spans[0];
  if (!root) return '';
  const outcome = clean(String(root.attributes['knspan.outcome'] ?? segment.severity));
  const colour = outcome === 'ok' ? 'green' : outcome === 'failed' ? 'red' : 'yellow';
  const front = `${timeText(root.start)} ${padLeft(durationText(root.end - root.start), 9)}  `;
  // A narrow screen gets less, so that a trace stays on its line.
  const events = clean(String(root.attributes['knspan.events'] ?? segment.spans.length));
  const count = screen.width < 80 ? '' : `  ${padLeft(events, 5)} ${events === '1' ? 'event ' : 'events'}`;
  const back = count + (screen.width < 100 ? '' : `  ${root.traceId.slice(0, 8)}`);
  const room = Math.max(10, screen.width - front.length - 10 - back.length - 2);
  return `${front}${paint(screen, colour, pad(cut(outcome, 10), 10))}  ${pad(cut(clean(root.title), room), room)}${paint(screen, 'dim', back)}`;
}
