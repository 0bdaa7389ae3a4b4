/** The spans of knspan's and Knative's own work in Jaeger: services, and which called which. */
import { type JaegerSpan, type JaegerTrace, tracesOf } from './traces.ts';

export interface OwnSpan {
  readonly trace: string;
  readonly service: string;
  readonly name: string;
  readonly parent: OwnSpan | undefined;
  /** Nobody called it; not that its caller is not there. */
  readonly isRoot: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

const parentOf = ({ references, traceID }: JaegerSpan): string | undefined =>
  references.find(({ refType, traceID: trace }) => refType === 'CHILD_OF' && trace === traceID)?.spanID;

/** Each span below its parent; undefined where the parent is not there. */
function ofTrace({ traceID, spans, processes }: JaegerTrace): OwnSpan[] {
  const raw = new Map(spans.map((span) => [span.spanID, span]));
  const made = new Map<string, OwnSpan>();
  const make = (span: JaegerSpan): OwnSpan => {
    const known = made.get(span.spanID);
    if (known !== undefined) return known;
    const above = raw.get(parentOf(span) ?? '');
    const own = {
      trace: traceID,
      service: processes[span.processID]?.serviceName ?? '',
      name: span.operationName,
      isRoot: parentOf(span) === undefined,
      parent: above === undefined ? undefined : make(above),
      tags: Object.fromEntries(span.tags.map(({ key, value }) => [key, String(value)])),
    };
    made.set(span.spanID, own);
    return own;
  };
  return spans.map(make);
}

export const ownTraces = (service: string): OwnSpan[][] => tracesOf(service).map(ofTrace);

/** From the first that sent to this span: services, each once in a row. */
export function path(span: OwnSpan): string[] {
  const services: string[] = [];
  for (let at: OwnSpan | undefined = span; at !== undefined; at = at.parent) if (services[0] !== at.service) services.unshift(at.service);
  return services;
}
