/** Prints each event that it receives on one line: the last function of the demonstration, or a way to inspect a Trigger. */
import type { ReceivedEvent } from '../../../shared/events/cloudevents.ts';
import { type RunningFunction, serveFunction } from '../../../shared/http/server.ts';
import { type FunctionContext, portOf } from '../../../shared/process/run-function.ts';

const name = 'event-display';
const dataMost = 300;
const sides = ['heads', 'tails', 'none'] as const;

export async function startEventDisplay(
  { settings, log, metrics, tracing }: FunctionContext,
  write: (line: string) => void = (line) => process.stdout.write(`${line}\n`),
): Promise<RunningFunction> {
  const port = portOf(settings);
  settings.finish(name);
  const shown = metrics.counter('knspan_shown_total', 'Events shown, by the side of their coin', { flip: sides });
  return serveFunction({
    name,
    port,
    log,
    metrics,
    tracing,
    ready: () => true,
    handle: async (events) => {
      for (const event of events) {
        shown.add({ flip: event.extensions['flip'] ?? 'none' });
        write(lineOf(event));
      }
      return { status: 204 };
    },
  });
}

/** Extensions first, since Triggers filter by them. */
function lineOf({ type, source, id, extensions, data, dataText }: ReceivedEvent): string {
  const named = Object.entries(extensions)
    .filter(([key]) => !key.startsWith('knative'))
    .map(([key, value]) => `${key}=${value}`);
  const text = (data === undefined ? (dataText ?? '') : JSON.stringify(data)).slice(0, dataMost);
  return [type, source, id, ...named, text].join('  ').replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
