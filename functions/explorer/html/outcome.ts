/** How a change has ended, as a word with a mark: never by colour alone. */
import { type Html, html } from './html.ts';

export const outcomes = ['failing', 'failed', 'recovered', 'ok', 'incomplete'] as const;
export type Outcome = (typeof outcomes)[number] | 'untold';

/** The class of a colour, too. */
export function outcomeClass(outcome: string): Outcome {
  return outcomes.find((one) => one === outcome) ?? 'untold';
}

export function isBad(outcome: string): boolean {
  return outcome === 'failing' || outcome === 'failed';
}

const words: Readonly<Record<Outcome, string>> = {
  failing: 'failing',
  failed: 'failed',
  recovered: 'recovered',
  ok: 'ok',
  incomplete: 'incomplete',
  untold: 'not settled',
};

export function outcomeWord(outcome: string): string {
  return words[outcomeClass(outcome)];
}

const marks: Readonly<Record<Outcome, string>> = { failing: '✗', failed: '✗', recovered: '↻', ok: '', incomplete: '?', untold: '…' };

export function outcomeMark(outcome: string): Html {
  const name = outcomeClass(outcome);
  return html`<span class="outcome ${name}"><span class="mark" aria-hidden="true">${marks[name]}</span>${words[name]}</span>`;
}
