/** Which traces a person wants to see. */
import type { Micros } from '../../events/observation.ts';
import { goDurationMicros, parseTimestamp } from '../../events/time.ts';
import type { Segment } from '../../spans/span.ts';

export interface Filter {
  readonly namespace?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly failed?: boolean;
  /** Traces that ended at this time or later. */
  readonly since?: Micros;
}

export function passes(segment: Segment, filter: Filter): boolean {
  if (filter.namespace !== undefined && !like(filter.namespace, segment.namespace)) return false;
  if (filter.failed && segment.severity !== 'error') return false;
  if (filter.since !== undefined && !segment.spans.some((span) => span.end >= (filter.since ?? 0))) return false;
  if (filter.kind === undefined && filter.name === undefined) return true;
  return objectsOf(segment).some(
    ([kind, name]) =>
      (filter.kind === undefined || like(filter.kind.toLowerCase(), kind.toLowerCase())) &&
      (filter.name === undefined || like(filter.name, name)),
  );
}

function objectsOf(segment: Segment): [string, string][] {
  const found: [string, string][] = [[segment.rootKind, segment.rootName]];
  for (const { attributes } of segment.spans) {
    found.push([String(attributes['k8s.object.kind'] ?? ''), String(attributes['k8s.object.name'] ?? '')]);
    const pod = attributes['k8s.pod.name'];
    if (typeof pod === 'string') found.push(['Pod', pod]);
  }
  return found;
}

/** A pattern with `*` for any text; each part between stars is sought once, so that no pattern takes long. */
function like(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/** `--since 2h` or a time, against the newest time known; null when it is neither. */
export function sinceOf(text: string, newest: Micros): Micros | null {
  const duration = goDurationMicros(text);
  return duration === null ? parseTimestamp(text) : newest - duration;
}
