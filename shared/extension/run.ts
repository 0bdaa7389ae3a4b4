/**
 * Serves a function on Knative. The flow of one event: is its type accepted, has it too many hops, what does the function return, is that
 * a valid reply. A sender that takes no replies (without `Prefer: reply`: re-sent dead letters, some Brokers) gets none: the reply goes to
 * K_SINK, or is refused, but never lost.
 */
import type { ReceivedEvent } from '../events/cloudevents.ts';
import { type Answer, type RunningFunction, serveFunction } from '../http/server.ts';
import { createSink, type Sink, sinkOptionsOf } from '../http/sink.ts';
import { messageOf } from '../process/log.ts';
import { type FunctionContext, portOf } from '../process/run-function.ts';
import { ConfigError } from '../process/settings.ts';
import { within } from '../process/timeout.ts';
import { noTracing, type Tracing } from '../process/tracing.ts';
import { type ExtensionFunction, type Given, type Handled, type Outcome, outcomes } from './definition.ts';
import { parseInput } from './input.ts';
import { hopsOf, makeReply, type OutgoingReply, toCloudEvent, toStructured } from './reply.ts';

interface Step {
  readonly outcome: Outcome;
  readonly answer: Answer;
}

const late = Symbol('late');
const linesPerMinute = 20;

export async function startExtension(
  extension: ExtensionFunction,
  surroundings: FunctionContext,
  given: Given = {},
): Promise<RunningFunction> {
  const { settings, log, metrics, tracing } = surroundings;
  const { name } = extension;
  const port = portOf(settings);
  const hasSink =
    settings.optionalUrl('K_SINK', { what: 'where replies are sent if the sender accepts none; set by a SinkBinding' }) !== undefined;
  const sinkOptions = hasSink && !given.sink ? sinkOptionsOf(settings) : null;
  const handle = extension.prepare(surroundings);
  settings.finish(name);
  if (given.wiring !== undefined) await refuseLoops(extension, given);
  const sink = given.sink ?? (sinkOptions === null ? null : createSink(sinkOptions));
  const runner = new Runner(extension, handle, surroundings, sink, given);
  const events = metrics.counter('knspan_extension_events_total', 'Events by outcome', { outcome: outcomes });
  log.info('extending', { types: extension.types.join(', '), replies: extension.replies.join(', ') });
  return serveFunction({
    name,
    port,
    log,
    metrics,
    tracing,
    ready: () => true,
    handle: async ([event, ...more], { headers }) => {
      const { outcome, answer } =
        event === undefined || more.length > 0 ? onlyOne : await runner.run(event, /\breply\b/i.test(String(headers['prefer'] ?? '')));
      events.add({ outcome });
      if (event !== undefined) runner.tell(event, outcome, answer);
      return given.absorbs && answer.status >= 400 ? { status: 204 } : answer;
    },
    beforeClose: async () => sink?.close(),
  });
}

async function refuseLoops(extension: ExtensionFunction, { wiring }: Given): Promise<void> {
  const { loopsIn } = await import('./loops.ts');
  if (wiring === undefined || extension.loops) return;
  const [loop] = loopsIn(wiring, extension);
  if (loop === undefined) return;
  throw new ConfigError(
    `Cannot start ${extension.name}: its reply '${loop.reply}' would match its own Trigger '${loop.trigger}' and come back, ` +
      "wanted a Trigger that leaves it out by its type, or 'loops: true' and a bound by 'hopsMost'",
  );
}

const onlyOne: Step = { outcome: 'rejected', answer: { status: 400, reason: 'Cannot accept a batch: wanted one CloudEvent' } };

class Runner {
  readonly #extension: ExtensionFunction;
  readonly #handle: (input: unknown) => Promise<Handled>;
  readonly #by: FunctionContext;
  readonly #tracing: Tracing;
  readonly #sink: Sink | null;
  readonly #given: Given;

  constructor(
    extension: ExtensionFunction,
    handle: (input: unknown) => Promise<Handled>,
    surroundings: FunctionContext,
    sink: Sink | null,
    given: Given,
  ) {
    this.#extension = extension;
    this.#handle = handle;
    this.#by = surroundings;
    this.#tracing = surroundings.tracing ?? noTracing;
    this.#sink = sink;
    this.#given = given;
  }

  async run(event: ReceivedEvent, takesReply: boolean): Promise<Step> {
    const { name, types, hopsMost, timeoutMs } = this.#extension;
    if (!types.includes(event.type)) {
      const reason = `Cannot accept event: its type is '${event.type.slice(0, 100)}', wanted ${types.map((type) => `'${type}'`).join(' or ')}`;
      return step('rejected', { status: 400, reason });
    }
    const input = parseInput(event);
    if (!input.ok) return step('rejected', { status: 400, reason: input.reason });
    // The sender of a looping reply would retry after a 4xx: end the loop silently.
    if (hopsOf(event) >= hopsMost) return step('ended', { status: 204, reason: `ended after ${hopsMost} hops` });
    const made: OutgoingReply[] = [];
    for (let time = 0; time < (this.#given.checks ? 2 : 1); time += 1) {
      const handled = await this.#tracing.span(name, () => this.#inTime(() => this.#handle(input.value), timeoutMs));
      if (handled === late)
        return step('late', { status: 503, retryAfterSeconds: 1, reason: `Cannot handle event: ${name} took longer than ${timeoutMs} ms` });
      if (handled instanceof Failure)
        return step('failed', { status: 500, reason: `Cannot handle event: ${name} failed: ${handled.message}` });
      if (handled === null || handled === undefined) continue;
      const reply = makeReply(event, handled, this.#extension);
      if (!reply.ok) return step('faulty', { status: 422, reason: reply.reason });
      made.push(reply.value);
    }
    const [reply, again] = made;
    if (this.#given.checks && JSON.stringify(reply) !== JSON.stringify(again))
      return step('faulty', { status: 422, reason: 'Cannot reply: the same event twice gave two different replies, wanted the same' });
    if (reply === undefined) return step('accepted', { status: 204 });
    return takesReply ? step('replied', { status: 200, reply: toCloudEvent(reply) }) : this.#send(reply);
  }

  tell(event: ReceivedEvent, outcome: Outcome, { reason = '' }: Answer): void {
    if (reason !== '') {
      const { id, type, source } = event;
      this.#by.log.sampled(outcome, linesPerMinute)?.warn('an event was not handled', { outcome, id, type, source, reason });
    }
    this.#given.onOutcome?.(event.type, outcome, reason);
  }

  async #send(reply: OutgoingReply): Promise<Step> {
    if (this.#sink === null) {
      const reason = "Cannot reply: the sender takes no reply (wanted 'Prefer: reply') and K_SINK is not set";
      return step('unsent', { status: 422, reason });
    }
    const sent = await this.#sink.send(toStructured(reply), this.#tracing.headers());
    if (sent.kind === 'accepted') return step('replied', { status: 204 });
    return step(
      'unsent',
      sent.kind === 'retry' ? { status: 503, retryAfterSeconds: 2, reason: sent.reason } : { status: 422, reason: sent.reason },
    );
  }

  async #inTime(handle: () => Promise<Handled>, ms: number): Promise<Handled | typeof late | Failure> {
    try {
      return await within<Handled, typeof late>(handle(), ms, this.#by.clock, late);
    } catch (error) {
      this.#by.log.sampled('threw', linesPerMinute)?.error('the function threw', { stack: error instanceof Error ? error.stack : '' });
      return new Failure(messageOf(error));
    }
  }
}

/** An error of the function, as a value. */
class Failure {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

function step(outcome: Outcome, answer: Answer): Step {
  return { outcome, answer };
}
