/** Text for terminals: nothing raw from an Event's message, cut to width, coloured only where that is wanted. */
import { styleText } from 'node:util';
import type { Micros } from '../../events/observation.ts';

export interface Screen {
  /** Columns. */
  readonly width: number;
  readonly colour: boolean;
}

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

export function paint(screen: Screen, colour: Colour, text: string): string {
  return screen.colour ? styleText(colour, text, { validateStream: false }) : text;
}

const widthWhenPiped = 120;
const widthLeast = 60;
const widthMost = 240;

export function screenOf(stream: { isTTY?: boolean; columns?: number }, env: Readonly<Record<string, string | undefined>>): Screen {
  const width = stream.isTTY ? (stream.columns ?? widthWhenPiped) : Number(env['COLUMNS'] || widthWhenPiped);
  const wanted = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0';
  const colour = env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '' ? false : wanted || stream.isTTY === true;
  return { width: Math.max(widthLeast, Math.min(widthMost, Number.isFinite(width) ? width : widthWhenPiped)), colour };
}

/** Control characters (and with them ANSI escapes) become visible signs; line ends become ⏎. */
export function clean(text: string): string {
  return text
    .replace(/\r?\n/g, '⏎')
    .replace(/\t/g, ' ')
    .replace(
      /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
      (sign) => `\\x${sign.codePointAt(0)?.toString(16).padStart(2, '0')}`,
    );
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
/** Signs that take no column of their own. */
const narrow = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

export function widthOf(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += columnsOf(segment);
  return width;
}

function columnsOf(grapheme: string): number {
  return wide.test(grapheme) ? 2 : narrow.test(grapheme) ? 0 : 1;
}

/** Cuts to a width, with … where something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let out = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = columnsOf(segment);
    if (used + next > width - 1) break;
    out += segment;
    used += next;
  }
  return `${out}…`;
}

/** Cuts in the middle: of an error's text the end matters as much as the beginning. */
export function cutMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const front = cut(text, Math.ceil(width * 0.6));
  const graphemes = [...segmenter.segment(text)].map(({ segment }) => segment);
  let back = '';
  for (let at = graphemes.length - 1; at >= 0; at -= 1) {
    const next = `${graphemes[at] ?? ''}${back}`;
    if (widthOf(front) + widthOf(next) > width) break;
    back = next;
  }
  return front + back;
}

/** Lines of at most that width, broken at blanks where there are any; of what more than so many would hold the middle is left out. */
export function wrap(text: string, width: number, most: number): string[] {
  for (let room = width * most; ; room -= wrapStep) {
    const lines = linesOf(cutMiddle(text, room), width);
    if (lines.length <= most || room <= width) return lines;
  }
}

/** Columns that are given up at a time, until the lines are few enough. */
const wrapStep = 8;

function linesOf(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (widthOf(rest) > width) {
    const head = cut(rest, width + 1).slice(0, -1);
    const blank = head.lastIndexOf(' ');
    const end = blank > width / 2 ? blank : head.length;
    lines.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

export function padLeft(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - widthOf(text))) + text;
}

export function timeText(at: Micros): string {
  const date = new Date(at / 1_000);
  return Number.isNaN(date.getTime()) ? 'unknown time' : date.toISOString().replace(/\.\d+Z$/, 'Z');
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar for [start, end] of a whole of `total`, `width` columns wide. */
export function bar(start: number, end: number, total: number, width: number): string {
  const scale = total > 0 ? width / total : 0;
  const from = Math.max(0, Math.min(width - 1, Math.floor(start * scale)));
  const length = Math.max(1 / 8, Math.min(width - from, (end - Math.max(0, start)) * scale));
  const full = Math.floor(length);
  const part = eighths[Math.round((length - full) * 8)] ?? '';
  const drawn = `${' '.repeat(from)}${'█'.repeat(full)}${Math.round((length - full) * 8) === 8 ? '█' : part}`;
  return pad(drawn === ' '.repeat(from) ? `${drawn}▏` : drawn, width).slice(0, width);
}
