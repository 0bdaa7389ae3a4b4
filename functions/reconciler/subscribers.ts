/** To whom dead letters may be sent again: only who is configured. What an event says is looked up here, never called. */
import type { Settings } from '../../shared/process/settings.ts';

export interface Subscribers {
  readonly urls: readonly string[];
  /** The configured URL of who is meant, by name or by URL; null when nobody is. */
  find(dest: string): string | null;
}

interface Subscriber {
  /** Empty: found by URL only. */
  readonly name: string;
  readonly url: string;
}

const subscribersMost = 100;
const wanted =
  'URLs (http or https, without user and query) or hosts, separated by commas; each has the first label of its host as its name, or NAME=URL; no name twice';
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';

export function readSubscribers(settings: Settings): Subscribers {
  const text =
    settings.optionalText('KNSPAN_SUBSCRIBERS', {
      wanted,
      what: 'functions to which dead letters may be sent again; none: dead letters are left to another reconciler',
    }) ?? '';
  const parts = text.split(',').flatMap((part) => part.trim() || []);
  const names = parts.flatMap((part) => subscriberOf(part)?.name || []);
  if (parts.length > subscribersMost || !parts.every(subscriberOf) || new Set(names).size < names.length)
    settings.fault('KNSPAN_SUBSCRIBERS', text, wanted);
  return subscribersOf(parts);
}

export function subscribersOf(parts: readonly string[]): Subscribers {
  const all = parts.flatMap((part) => subscriberOf(part) ?? []);
  const byName = new Map(all.filter(({ name }) => name !== '').map(({ name, url }) => [name, url]));
  const known = new Set(all.map(({ url }) => url));
  return {
    urls: [...known],
    find: (dest) => {
      const url = byName.get(dest) ?? normal(dest);
      return url !== null && known.has(url) ? url : null;
    },
  };
}

/** `NAME=URL` or a URL, which is named by its host as Services are. */
function subscriberOf(text: string): Subscriber | null {
  const [, name, rest = ''] = new RegExp(`^(${label})=(.*)$`).exec(text) ?? ['', undefined, text];
  const url = normal(rest);
  if (url === null) return null;
  return { name: name ?? hostName(url), url };
}

function hostName(url: string): string {
  const { hostname } = new URL(url);
  const isAddress = /^[\d.]+$|:/.test(hostname);
  return isAddress ? '' : (new RegExp(`^${label}(?=\\.|$)`).exec(hostname)?.[0] ?? '');
}

/** In the form in which two URLs of one function are equal; null for what is none. A host alone is its http URL. */
function normal(text: string): string | null {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full)) return null;
  const { protocol, host, pathname, username, password, search, hash } = new URL(full);
  if (!['http:', 'https:'].includes(protocol) || !/^[\w.:[\]-]+$/.test(host) || username + password + search + hash !== '') return null;
  return `${protocol}//${host}${pathname}`;
}
