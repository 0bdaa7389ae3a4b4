/** The list view: one line a trace. */

import { durationText } from '../../events/quantity.ts';
import type { Segment } from '../../spans/span.ts';
import { causeOf, eventsOf, isInstant, outcomeOf, titleIn } from './outcome.ts';
import { clean, cut, pad, padLeft, paint, type Screen, timeText, widthOf } from './terminal.ts';

/** A cause in less room says nothing. */
const causeLeast = 12;

export function listLineOf(segment: Segment, screen: Screen): string {
  const root = segment.spans.find((span) => span.parentSpanId === '') ?? segment.spans[0];
  if (!root) return '';
  const { outcome, colour } = outcomeOf(segment, root);
  // A narrow screen gets less, so that a trace stays on its line.
  const narrow = screen.width < 80;
  const time = narrow ? timeText(root.start).slice(11, 19) : timeText(root.start);
  const front = `${time} ${padLeft(isInstant(root) ? '·' : durationText(root.end - root.start), 9)}  `;
  const mark = narrow ? 6 : 10;
  const count = screen.width < 100 ? '' : `  ${padLeft(eventsOf(segment, root), 12)}`;
  const back = count + (screen.width < 100 ? '' : `  ${root.traceId.slice(0, 8)}`);
  const room = Math.max(10, screen.width - front.length - mark - back.length - 2);
  const { text } = causeOf(segment, root);
  // Why it failed is worth more than which of its objects it was.
  const wanted = clean(root.title);
  const title = titleIn(text === '' || screen.width < 100 ? wanted : wanted.replace(/ \([^()]*\)$/, ''), room);
  const left = room - widthOf(title) - 2;
  const cause = text === '' || left < causeLeast ? ' '.repeat(left + 2) : `  ${pad(cut(text, left), left)}`;
  return `${front}${paint(screen, colour, pad(cut(outcome, mark), mark))}  ${title}${paint(screen, 'dim', cause + back)}`.trimEnd();
}
