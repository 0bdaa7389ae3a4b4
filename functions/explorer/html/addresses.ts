/** Addresses of pages. */
import type { ObjectName } from '../../../shared/history/queries/object.ts';
import { linkToPage, type PageQuery } from './page-query.ts';

export interface PlacedObject extends ObjectName {
  readonly cluster: string;
  readonly uid?: string | null;
}

export function objectPath({ cluster, kind, namespace, name }: PlacedObject): string {
  return `/objects/${[cluster, kind, namespace === '' ? '-' : namespace, name].map(segment).join('/')}`;
}

/** A page's address that ends with `.json` is that of its data; `.` and `..` alone would be resolved. */
function segment(text: string): string {
  const encoded = encodeURIComponent(text);
  return /^\.{1,2}$|\.json$/.test(text) ? encoded.replaceAll('.', '%2E') : encoded;
}

export function objectLink(query: Pick<PageQuery, 'parameters'>, object: PlacedObject): string {
  return linkToPage(query, objectPath(object), ['from', 'to', 'tz'], { uid: object.uid ?? null });
}

/** Of a trace all times are absolute: no range is carried along. */
export function traceLink(
  query: Pick<PageQuery, 'parameters'>,
  traceId: string,
  changes: Readonly<Record<string, string | null>> = {},
): string {
  return linkToPage(query, `/traces/${traceId}`, ['tz'], changes);
}

export function eventLink(query: Pick<PageQuery, 'parameters'>, { cluster, uid, n }: { cluster: string; uid: string; n: number }): string {
  return linkToPage(query, `/events/${[cluster, uid, String(n)].map(encodeURIComponent).join('/')}`, ['tz']);
}
