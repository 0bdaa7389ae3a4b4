/** Runs a function of the kit in a test: real HTTP in, the reply as a value. */
import { parseHttp, type ReceivedEvent } from '../../shared/events/cloudevents.ts';
import type { ExtensionFunction, Given } from '../../shared/extension/definition.ts';
import type { Clock } from '../../shared/process/clock.ts';
import type { Environment } from '../../shared/process/settings.ts';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import type { Segment } from '../../shared/spans/span.ts';
import { surroundingsFor, type TestSurroundings } from './surroundings.ts';

export interface Said {
  readonly status: number;
  /** The reply, where there is one. */
  readonly reply: ReceivedEvent | undefined;
  readonly text: string;
}

export interface RunningExtension extends TestSurroundings {
  readonly url: string;
  /** Structured mode; `headers` in place of a Broker's `Prefer: reply`. */
  send(body: string, headers?: Readonly<Record<string, string>>): Promise<Said>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function runExtension(
  extension: ExtensionFunction,
  env: Environment = {},
  given: Given = {},
  clock?: Clock,
): Promise<RunningExtension> {
  const surroundings = surroundingsFor(env, clock);
  const running = await extension.start(surroundings, given);
  return {
    ...surroundings,
    url: running.url,
    send: async (body, headers = { prefer: 'reply' }) => {
      const response = await fetch(running.url, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json', ...headers },
        body,
      });
      const bytes = Buffer.from(await response.arrayBuffer());
      const parsed = response.status === 200 ? parseHttp(Object.fromEntries(response.headers), bytes) : undefined;
      return { status: response.status, reply: parsed?.ok ? parsed.value[0] : undefined, text: bytes.toString() };
    },
    [Symbol.asyncDispose]: () => running.close(1_000),
  };
}

/** A segment as the correlator sends it, in one part, with other attributes where they are given. */
export function bodyOf(segment: Segment, more: Readonly<Record<string, string>> = {}): string {
  const [event] = toSegmentEvents(segment, { source: '/knspan/correlator' });
  return JSON.stringify({ ...JSON.parse(event?.body ?? '{}'), ...more });
}
