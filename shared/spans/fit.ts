/** Cuts a span that is too large for one event: real clusters do not produce such spans, but a sender can. */
import type { Attributes, AttributeValue, Span } from './span.ts';

/** Marks a span that was cut. */
export const cutKey = 'knspan.cut';

const stages = [
  { text: 8_192, items: 1_000 },
  { text: 1_024, items: 200 },
  { text: 256, items: 100 },
  { text: 64, items: 20 },
  { text: 32, items: 0 },
] as const;

/** The span unchanged if it fits, else with its longest texts and lists cut. */
export function fitted(span: Span, fits: (span: Span) => boolean): Span {
  if (fits(span)) return span;
  let smaller = span;
  for (const stage of stages) {
    smaller = shrunk(span, stage.text, stage.items);
    if (fits(smaller)) break;
  }
  return smaller;
}

function shrunk(span: Span, text: number, items: number): Span {
  const attributes = shrunkAttributes(span.attributes, text, items);
  return {
    ...span,
    name: cut(span.name, text),
    title: cut(span.title, text),
    service: cut(span.service, text),
    statusMessage: cut(span.statusMessage, text),
    attributes: { ...attributes, [cutKey]: true },
    events: span.events.slice(0, items).map((event) => ({
      ...event,
      name: cut(event.name, text),
      attributes: shrunkAttributes(event.attributes, text, items),
    })),
    links: span.links.slice(0, items).map((link) => ({ ...link, attributes: shrunkAttributes(link.attributes, text, items) })),
  };
}

function shrunkAttributes(attributes: Attributes, text: number, items: number): Attributes {
  return Object.fromEntries(
    Object.entries(attributes)
      .slice(0, items)
      .filter(([key]) => key.length <= text)
      .map(([key, value]) => [key, shrunkValue(value, text, items)]),
  );
}

function shrunkValue(value: AttributeValue, text: number, items: number): AttributeValue {
  if (typeof value === 'string') return cut(value, text);
  return typeof value === 'object' ? value.slice(0, items).map((item) => cut(item, text)) : value;
}

/** Never splits a surrogate pair. */
function cut(text: string, most: number): string {
  const end = /[\ud800-\udbff]/.test(text[most - 1] ?? '') ? most - 1 : most;
  return text.length > most ? text.slice(0, end) : text;
}
