/** To whom dead letters may be sent again: only who is configured. What an event says is looked up here, never called. */
import type { Settings } from '../../shared/runtime/config.ts';

export interface Subscribers {
  readonly urls: readonly string[];
  /** The configured URL of who is meant; null when nobody is. */
  find(dest: string): string | null;
}

const subscribersMost = 100;
const wanted = 'URLs (http or https, without user and query) or hosts, separated by commas';

export function readSubscribers(settings: Settings): Subscribers {
  const text = settings.optionalText('KNSPAN_SUBSCRIBERS', { wanted, what: 'functions to which dead letters may be sent again' }) ?? '';
  const parts = text.split(',').flatMap((part) => part.trim() || []);
  const urls = parts.map(normal);
  if (parts.length > subscribersMost || urls.includes(null)) settings.fault('KNSPAN_SUBSCRIBERS', text, wanted);
  return subscribersOf(urls.filter((url) => url !== null));
}

export function subscribersOf(urls: readonly string[]): Subscribers {
  const known = new Set(urls.flatMap((url) => normal(url) ?? []));
  return {
    urls: [...known],
    find: (dest) => {
      const url = normal(dest);
      return url !== null && known.has(url) ? url : null;
    },
  };
}

/** In the form in which two URLs of one function are equal; null for what is none. A host alone is its http URL. */
function normal(text: string): string | null {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!URL.canParse(full)) return null;
  const { protocol, host, pathname, username, password, search, hash } = new URL(full);
  if (!['http:', 'https:'].includes(protocol) || host === '' || username + password + search + hash !== '') return null;
  return `${protocol}//${host}${pathname}`;
}
