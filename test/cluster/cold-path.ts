/**
 * The time from the first Event on a sleeping pipeline to its trace in the backend, broken down by knspan's own spans and the Events of its
 * pods. Clocks are those of one cluster: accurate to a tenth of a second.
 */
import { lookStep } from '../../functions/correlator/decide/route.ts';
import { lateness, ownerMayTrail, quietAfterEnd, second } from '../../shared/correlation/settling-times.ts';
import type { Micros, Observation } from '../../shared/events/observation.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { home } from './installation.ts';
import { kubectl, list, until } from './kubectl.ts';
import { type JaegerSpan, spansOfService } from './traces.ts';

const shownWithinMs = 60_000;
/** Quiet after the end of a change, lateness allowed, time for an owner to be named (design: G1, A). */
const waitsByDesign = quietAfterEnd + lateness + ownerMayTrail;

/** Functions that start from now on. */
export function traceThemselves(): void {
  kubectl('-n', home, 'patch', 'configmap/knspan', '--type=merge', '-p', JSON.stringify({ data: { KNSPAN_SELF_TRACING: 'on' } }));
}

const eventsOf = (namespace: string): Observation[] =>
  list('events', '-n', namespace).flatMap((event) => {
    const parsed = parseEvent(event);
    return parsed.ok ? [parsed.value] : [];
  });

/** The first such span of a function from a time on. */
function spanAfter(name: string, operation: string, from: Micros): Promise<JaegerSpan> {
  return until(`the span ${operation} of the ${name}`, shownWithinMs, () =>
    spansOfService(`knspan-${name}`)
      .filter(({ operationName, startTime }) => operationName === operation && startTime >= from)
      .sort((a, b) => a.startTime - b.startTime)
      .at(0),
  );
}

/** From the start of a function's container to the moment when it listens: our share of the start of a pod. */
function processStarts(name: string, from: Micros): Micros {
  const started = eventsOf(home).find(
    ({ reason, involved, container, last }) =>
      reason === 'Started' && involved.name.startsWith(`${name}-`) && container === 'user-container' && last.at >= from,
  );
  if (started === undefined) throw new Error(`Cannot tell when the ${name} started: wanted an Event Started of it, found none`);
  const log = kubectl('-n', home, 'logs', `pod/${started.involved.name}`, '-c', 'user-container', '--timestamps');
  const [time = ''] = log.split('\n').flatMap((line) => (line.includes('"listening"') ? [line.split(' ', 1)[0] ?? ''] : []));
  return Date.parse(time) * 1_000 - started.last.at;
}

/** Of a change in this namespace whose trace has come; a line each. */
export async function coldPath(namespace: string): Promise<string> {
  const times = eventsOf(namespace).map(({ last }) => last.at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const due = last + waitsByDesign;
  const look = Math.ceil(due / lookStep) * lookStep;
  const taken = await spanAfter('correlator', 'receive', first);
  const sent = await spanAfter('correlator', 'emit', last + quietAfterEnd);
  const got = await spanAfter('exporter', 'receive', sent.startTime);
  const exported = await spanAfter('exporter', 'export', got.startTime);
  const end = exported.startTime + exported.duration;
  const s = (micros: Micros) => `${(micros / second).toFixed(1)} s`;
  return [
    `cold path: ${s(end - first)} from the first Event on a sleeping pipeline to its trace in Jaeger`,
    `  ${s(last - first)} the change itself, to its last Event`,
    `  ${s(waitsByDesign)} waiting by design, until it counts as settled`,
    `  ${s(look - due)} waiting by design, for the next look: one each ${s(lookStep)}`,
    `  ${s(sent.startTime - look)} ours: to decide`,
    `  ${s(got.startTime - sent.startTime)} Knative and Kubernetes: Broker, a pod for the exporter, in it ${s(processStarts('exporter', sent.startTime))} ours: to start`,
    `  ${s(end - got.startTime)} ours and Jaeger's: to export`,
    `  (within the waiting: ${s(taken.startTime - first)} until a correlator had the Event, in it ${s(processStarts('correlator', first))} ours: to start)`,
    '',
  ].join('\n');
}
