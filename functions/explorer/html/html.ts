/**
 * HTML as a tagged template: everything is escaped except other templates, so that no name and no message can become markup. Attributes
 * are always in double quotes; an address goes through `link`.
 *
 *     html`<a href="${link(url)}">${name}</a>`
 */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** null, undefined and false leave nothing. */
export type Part = Html | string | number | null | undefined | false | readonly Part[];

export const nothing = new Html('');

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, place) => `${text}${toText(parts[place - 1])}${string}`));
}

/** An address for `href`, `src` or `action`: a path of this server or http(s); any other becomes `#`. */
export function link(url: string): Html {
  return new Html(isOwnPath(url) || isWebAddress(url) ? escapeHtml(url) : '#');
}

/** `//host` and `/\host` would lead elsewhere; so would a path that a browser strips of line ends first. */
function isOwnPath(url: string): boolean {
  return /^[/?](?![/\\])/.test(url) && !/[\u0000-\u0020\\]/.test(url);
}

function isWebAddress(url: string): boolean {
  return /^https?:\/\//i.test(url) && URL.canParse(url);
}

function toText(part: Part): string {
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(toText).join('');
  return part === null || part === undefined || part === false ? '' : escapeHtml(String(part));
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Control characters and those that turn the direction of text around are shown as such, not obeyed. */
function escapeHtml(text: string): string {
  return text
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
