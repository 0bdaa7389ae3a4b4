/** Removes text that looks like a secret from a trace before export. */
import { type AttributeValue, defineFunction, type Segment, type Span, segmentType } from 'knspan/extension';

const secrets = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b(?:bearer|basic)\s+[\w.~+/=-]{8,}/gi,
  /(?<=\b(?:password|passwd|pwd|secret|token|api[-_]?key|access[-_]?key)["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s"',;&]+)/gi,
  /(?<=[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+(?=@)/gi,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}\b/g,
];

const clean = (text: string): string => secrets.reduce((rest, secret) => rest.replace(secret, '[redacted]'), text);
const cleanValue = (value: AttributeValue): AttributeValue =>
  typeof value === 'string' ? clean(value) : typeof value === 'object' ? value.map(clean) : value;
const cleanAll = (attributes: Span['attributes']) =>
  Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, cleanValue(value)]));
const cleanSpan = (span: Span): Span => ({
  ...span,
  title: clean(span.title),
  statusMessage: clean(span.statusMessage),
  attributes: cleanAll(span.attributes),
  events: span.events.map((event) => ({ ...event, name: clean(event.name), attributes: cleanAll(event.attributes) })),
});
const redacted = (segment: Segment): Segment => ({ ...segment, spans: segment.spans.map(cleanSpan) });

export default defineFunction({
  name: 'redact',
  types: [segmentType],
  replies: [`${segmentType}.redacted`],
  handle: ({ segment }) => ({ type: `${segmentType}.redacted`, segment: redacted(segment) }),
});
