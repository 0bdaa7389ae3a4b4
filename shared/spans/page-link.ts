/** Links to the web page of the history: KNSPAN_PAGE_URL is its address. */
import type { Settings } from '../process/settings.ts';
import type { Span } from './span.ts';

export const pageUrlKey = 'knspan.url';

export function pageUrlOf(settings: Pick<Settings, 'optionalUrl'>): string | null {
  return settings.optionalUrl('KNSPAN_PAGE_URL', { what: 'address of the web page of the history, for links to its traces' }) ?? null;
}

export function tracePage(page: string, traceId: string): string {
  return `${page.replace(/\/+$/, '')}/traces/${traceId}`;
}

/** Root spans get the address of their trace. */
export function withPageLinks(spans: readonly Span[], page: string): Span[] {
  return spans.map((span) =>
    span.parentSpanId === '' ? { ...span, attributes: { ...span.attributes, [pageUrlKey]: tracePage(page, span.traceId) } } : span,
  );
}
