/** The list view: one line a trace. */
import type { Segment } from '../spans/span.ts';
import { clean, cut, durationText, pad, padLeft, paint, type Screen, timeText } from './terminal.ts';

export function listLineOf(segment: Segment, screen: Screen): string {
  const root = segment.spans.find((span) => span.parentSpanId === '') ?? segment.spans[0];
  if (!root) return '';
  const outcome = String(root.attributes['knspan.outcome'] ?? segment.severity);
  const colour = outcome === 'ok' ? 'green' : outcome === 'failed' ? 'red' : 'yellow';
  const front = `${timeText(root.start)} ${padLeft(durationText(root.end - root.start), 9)}  `;
  const back = `  ${padLeft(String(root.attributes['knspan.events'] ?? segment.spans.length), 5)} events  ${root.traceId.slice(0, 8)}`;
  const room = Math.max(20, screen.width - front.length - 10 - back.length - 2);
  return `${front}${paint(screen, colour, pad(outcome, 10))}  ${pad(cut(clean(root.title), room), room)}${paint(screen, 'dim', back)}`;
}
