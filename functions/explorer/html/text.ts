/** Texts for people, bounded: what an Event says may be a megabyte long. */
import { type Html, html } from './html.ts';

const titleMax = 2_000;

/** At most so many characters, with an ellipsis for the rest. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** On one line, the whole of it one hover away. */
export function line(text: string, most = 300): Html {
  return html`<span class="line" title="${cut(text, titleMax)}">${cut(text, most)}</span>`;
}

/** Without uids in parentheses, which no person reads, and without what an empty part leaves: `Liveness probe failed: `. */
export function tidy(text: string): string {
  return text
    .replaceAll(/\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)/g, '')
    .trim()
    .replace(/:$/, '');
}

/** `1,234` */
export function number(count: number): string {
  return count.toLocaleString('en');
}

/** Namespace and name as one, as kubectl users write it. */
export function placeText({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}
