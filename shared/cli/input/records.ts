/**
 * What a JSON value from some dump holds: a Kubernetes object, a watch notification, an audit record, or one of these in the wrapping of
 * whatever has exported it (an event router, a log collector, a cloud's logging).
 */
import { field, isJson, type Json, textField } from '../../events/json.ts';
import type { Micros } from '../../events/observation.ts';
import { isEventLike } from '../../events/parse-event.ts';
import { parseTimestamp } from '../../events/time.ts';
import { looksLikeEvents } from './document.ts';
import { respell } from './spelling.ts';

export type Found =
  /** `receivedAt` is null where no watch has said it. */
  | { readonly type: 'object'; readonly object: Json; readonly isDeleted: boolean; readonly receivedAt: Micros | null }
  | { readonly type: 'audit'; readonly record: Json }
  | { readonly type: 'watch-error'; readonly message: string }
  /** A bookmark, an empty list. */
  | { readonly type: 'nothing' };

const notificationTypes: readonly string[] = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'];
/** Levels of wrappings: the hits of a search engine are a list three objects deep. */
const wrapDepthMax = 8;
/** Of a list within a value. */
const elementsMax = 1_000_000;

/** `listKind`: of the list that the value is an item of. */
export function recordsIn(value: unknown, listKind = ''): readonly Found[] {
  if (!isJson(value)) return wrappedIn(value, 0);
  if (field(value, 'kind') === 'Event' && isJson(field(value, 'involvedObject'))) return [plain(value)];
  const notified = notificationIn(value);
  if (notified) return [notified];
  const object = respell(value);
  if (isAudit(object)) return [{ type: 'audit', record: object }];
  if (isEventLike(object)) return [plain(object)];
  const items = itemsOf(object);
  if (items !== null) return items.length === 0 ? [{ type: 'nothing' }] : items;
  if (isObject(object)) return [plain(object)];
  if (listKind === 'EventList') return [plain({ ...object, kind: 'Event' })];
  const wrapped = wrappedUnder(value, 0);
  return wrapped.length > 0 || textField(field(object, 'metadata'), 'name') === '' ? wrapped : [plain(object)];
}

function plain(object: Json): Found {
  return { type: 'object', object, isDeleted: false, receivedAt: null };
}

function notificationIn(value: Json): Found | null {
  const type = textField(value, 'type') || textField(value, 'Type');
  const object = field(value, 'object') ?? field(value, 'Object');
  if (!notificationTypes.includes(type) || !isJson(object)) return null;
  if (type === 'BOOKMARK') return { type: 'nothing' };
  if (type === 'ERROR') return { type: 'watch-error', message: textField(object, 'message') || 'no message' };
  const micros = field(value, 'receivedAtMicros');
  const receivedAt = typeof micros === 'number' ? micros : parseTimestamp(field(value, 'receivedAt'));
  return { type: 'object', object: respell(object), isDeleted: type === 'DELETED', receivedAt };
}

/** audit.k8s.io; the items of its lists have no kind. */
function isAudit(object: Json): boolean {
  return textField(object, 'auditID') !== '' && textField(object, 'stage') !== '';
}

function isObject(object: Json): boolean {
  return textField(object, 'kind') !== '' && isJson(field(object, 'metadata'));
}

/** Of a list that was not let out item by item: in a list, or without items. Null where it is no list. */
function itemsOf(object: Json): readonly Found[] | null {
  const kind = textField(object, 'kind');
  const items = field(object, 'items') ?? [];
  if (!kind.endsWith('List') || !Array.isArray(items)) return null;
  return items.slice(0, elementsMax).flatMap((item) => recordsIn(withKind(item, kind), kind));
}

/** An item with the kind that its list implies. */
export function withKind(item: unknown, listKind: string): unknown {
  if (!listKind.endsWith('List') || listKind === 'List' || !isJson(item) || textField(item, 'kind') !== '') return item;
  return { ...item, kind: listKind.slice(0, -4) };
}

/** Lists within lists are wrappings too. */
function wrappedIn(value: unknown, depth: number): readonly Found[] {
  const parsed = typeof value === 'string' ? jsonIn(value) : value;
  if (Array.isArray(parsed))
    return depth > wrapDepthMax ? [] : parsed.slice(0, elementsMax).flatMap((one: unknown) => wrappedIn(one, depth + 1));
  if (!isJson(parsed)) return [];
  const object = respell(parsed);
  if (isAudit(object)) return [{ type: 'audit', record: object }];
  if (isWrappedEvent(object)) return [plain(object)];
  return isObject(object) ? [] : wrappedUnder(object, depth);
}

function wrappedUnder(object: Json, depth: number): readonly Found[] {
  if (depth > wrapDepthMax) return [];
  // `old_event` beside `event`: the state before.
  return Object.entries(object).flatMap(([key, inner]) => (key.startsWith('old') ? [] : wrappedIn(inner, depth + 1)));
}

function isWrappedEvent(object: Json): boolean {
  if (!isEventLike(object)) return false;
  return isJson(field(object, 'involvedObject')) || (isJson(field(object, 'regarding')) && textField(object, 'reason') !== '');
}

function jsonIn(text: string): unknown {
  if (!looksLikeEvents(text) || !text.includes('{')) return null;
  try {
    return JSON.parse(text.slice(text.indexOf('{')));
  } catch {
    return null;
  }
}
