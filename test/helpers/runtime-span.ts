/** Makes runtime spans of a few fields for tests. */
import type { RuntimeSpan } from '../../shared/runtime-spans/runtime-span.ts';
import { began } from './segment.ts';

let made = 0;

export function runtimeSpan(fields: Partial<RuntimeSpan> = {}): RuntimeSpan {
  made += 1;
  return {
    traceId: 'a'.repeat(32),
    spanId: made.toString(16).padStart(16, '0'),
    parentSpanId: '',
    name: 'span',
    kind: 'internal',
    service: 'apiserver',
    node: '',
    cluster: '',
    start: began,
    end: began + 10_000,
    attributes: {},
    failed: false,
    statusMessage: '',
    links: [],
    ...fields,
  };
}

/** As the API server serves it. */
export function served(method: string, target: string, fields: Partial<RuntimeSpan> = {}): RuntimeSpan {
  const { attributes, ...rest } = fields;
  return runtimeSpan({
    name: `${method} ${target}`,
    kind: 'server',
    attributes: { 'http.method': method, 'http.target': target, 'http.status_code': method === 'POST' ? 201 : 200, ...attributes },
    ...rest,
  });
}
