/** A time axis from 0 to 100 %: so a chart is as wide as its place, and needs no script. */
import type { Micros } from '../../../shared/events/observation.ts';
import type { Range } from '../../../shared/history/queries/filter.ts';
import { type Html, html } from '../html/html.ts';
import type { Tick } from '../html/zone.ts';

export class Axis {
  readonly range: Range;
  readonly #length: number;

  constructor(range: Range) {
    this.range = range;
    this.#length = Math.max(1, range.to - range.from);
  }

  /** Within the axis, such as `12.34%`. */
  x(at: Micros): string {
    return percent(Math.min(1, Math.max(0, (at - this.range.from) / this.#length)));
  }

  width(from: Micros, to: Micros): string {
    const [left, right] = [from, to].map((at) => Math.min(1, Math.max(0, (at - this.range.from) / this.#length)));
    return percent(Math.max(0, (right ?? 0) - (left ?? 0)));
  }

  isWithin(from: Micros, to: Micros): boolean {
    return to >= this.range.from && from <= this.range.to;
  }
}

export function percent(share: number): string {
  return `${Math.round(share * 100_000) / 1_000}%`;
}

/** Labels above the chart, and hairlines through it. */
export function tickLabels(axis: Axis, ticks: readonly Tick[]): Html {
  return html`<svg class="ticks" height="16" aria-hidden="true">${ticks.map(({ at, label }) => html`<text x="${axis.x(at)}" y="12">${label}</text>`)}</svg>`;
}

export function tickLines(axis: Axis, ticks: readonly Tick[], height: number): Html {
  return html`<g class="grid">${ticks.map(({ at }) => html`<line x1="${axis.x(at)}" x2="${axis.x(at)}" y1="0" y2="${height}"/>`)}</g>`;
}

/** Hatching in the colours of outcomes; once per page. */
export const hatches: Html = html`<svg class="defs" width="0" height="0" aria-hidden="true"><defs>${[
  'failing',
  'failed',
  'recovered',
  'ok',
  'incomplete',
  'untold',
].map(
  (name) =>
    html`<pattern id="hatch-${name}" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="back ${name}" width="5" height="5"/><rect class="fore ${name}" width="2.5" height="5"/></pattern>`,
)}</defs></svg>`;
