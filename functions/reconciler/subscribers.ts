/** Subscribers that dead letters may be re-sent to: configured ones only. A URL in an event is looked up here, never called. */
import type { Settings } from '../../shared/process/settings.ts';

export interface Subscribers {
  readonly urls: readonly string[];
  /** The configured URL for a name or URL; null if there is none. */
  find(dest: string): string | null;
}

interface Subscriber {
  /** Empty: found by URL only. */
  readonly name: string;
  readonly url: string;
}

const subscribersMost = 100;
const wanted =
  'URLs (http or https, without user and query) or hosts, separated by commas; each is named by the first label of its host, or by NAME=URL; names are unique';
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';

export function readSubscribers(settings: Settings): Subscribers {
  const text =
    settings.optionalText('KNSPAN_SUBSCRIBERS', {
      wanted,
      what: 'functions that dead letters may be re-sent to; none: another reconciler handles dead letters',
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

/** `NAME=URL`, or a URL named by the first label of its host, as a Service is. */
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

/** The normal form of a URL; null if it is not one. A bare host stands for its http URL. */
function normal(text: string): string | null {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full)) return null;
  const { protocol, host, pathname, username, password, search, hash } = new URL(full);
  if (!['http:', 'https:'].includes(protocol) || !/^[\w.:[\]-]+$/.test(host) || username + password + search + hash !== '') return null;
  return `${protocol}//${host}${pathname}`;
}
