/**
 * CPU per Event of the steps from a parsed Event to a trace, in one process and as the least of several rounds, so that other work on the
 * machine matters little: with the driver of the command line, which keeps all in memory, and with that of the correlator (inbox, router,
 * decider, outbox) over the memory store. Prints figures, asserts nothing.
 */
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { startCorrelator } from '../../functions/correlator/index.ts';
import { loadRules } from '../../shared/cli/input/load-input.ts';
import { Pipeline } from '../../shared/cli/pipeline.ts';
import type { Observation } from '../../shared/events/observation.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import type { Sink } from '../../shared/http/sink.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import { otlpText } from '../../shared/spans/otlp.ts';
import { MemoryStore } from '../../shared/store/memory/store.ts';
import { defaultBounds } from '../../shared/store/store.ts';
import { rolloutEvents } from '../helpers/rollout.ts';
import { surroundingsFor } from '../helpers/surroundings.ts';

const eventsMost = 4_000;
const rounds = 8;
const together = 500;
const pods = 20;
const begins = Date.UTC(2026, 0, 1);
const settlesAfter = 3 * 60 * 60_000;

interface Given {
  readonly raw: unknown;
  readonly observation: Observation;
}

function cpu(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** Rollouts that overlap, in order of time. */
function given(): Given[] {
  const all: Given[] = [];
  for (let rollout = 0; all.length < eventsMost; rollout += 1)
    for (const raw of rolloutEvents({ name: `app-${rollout}`, pods, uid: `d${rollout}`, at: (begins + rollout * 2_000) * 1_000 })) {
      const parsed = parseEvent(raw);
      assert.ok(parsed.ok);
      all.push({ raw, observation: parsed.value });
    }
  return all.sort((a, b) => a.observation.last.at - b.observation.last.at);
}

const loaded = await loadRules([], false);
assert.ok(loaded.ok);
const { rules } = loaded;

/** Micros of each step, and spans. */
function commandLine(events: readonly Given[]) {
  const pipeline = new Pipeline({ rules, objects: new ObjectIndex(), cluster: 'bench' });
  const began = cpu();
  for (const { observation } of events) pipeline.push(observation);
  const segments = pipeline.finish();
  const decided = cpu();
  for (const segment of segments) Buffer.from(otlpText(segment));
  return { decide: decided - began, write: cpu() - decided, spans: segments.reduce((sum, { spans }) => sum + spans.length, 0) };
}

async function correlator(events: readonly Given[]) {
  const clock = new ManualClock(begins);
  let spans = 0;
  const sink: Sink = {
    send: async (body) => {
      spans += Number(/"spancount":"?(\d+)/.exec(body)?.[1] ?? 0);
      return { kind: 'accepted' };
    },
    close: () => {},
  };
  const store = new MemoryStore(() => clock.now(), defaultBounds);
  const running = await startCorrelator(surroundingsFor({}, clock), { store, sink, rules, cluster: 'bench', beats: false });
  const began = cpu();
  for (let from = 0; from < events.length; from += together) {
    const batch = events.slice(from, from + together);
    await clock.set(Math.ceil((batch.at(-1)?.observation.last.at ?? 0) / 1_000));
    await Promise.all(batch.map(({ raw }, place) => running.receive([notification(raw, from + place)])));
    await running.sweep();
  }
  await clock.advance(settlesAfter);
  await running.sweep();
  const all = cpu() - began;
  await running.close(1_000);
  return { all, spans };
}

function notification(data: unknown, number: number) {
  return {
    id: `${number}`,
    source: 'bench',
    type: 'dev.knative.apiserver.resource.add',
    subject: '',
    time: '',
    dataContentType: 'application/json',
    extensions: { kind: 'Event' },
    data,
  };
}

export async function benchSteps(say: (text: string) => void): Promise<void> {
  const events = given();
  const least = { decide: Number.POSITIVE_INFINITY, write: Number.POSITIVE_INFINITY, all: Number.POSITIVE_INFINITY };
  const spans = { commandLine: 0, correlator: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const here = commandLine(events);
    const there = await correlator(events);
    least.decide = Math.min(least.decide, here.decide);
    least.write = Math.min(least.write, here.write);
    least.all = Math.min(least.all, there.all);
    spans.commandLine = here.spans;
    spans.correlator = there.spans;
  }
  const each = (micros: number) => `${(micros / events.length).toFixed(1)} µs`;
  say(
    `CPU per Event, ${events.length} Events: route and decide in memory ${each(least.decide)}, OTLP as bytes ${each(least.write)} (${spans.commandLine} spans); ` +
      `correlator over the memory store, parsed request to CloudEvent, ${each(least.all)} (${spans.correlator} spans)`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await benchSteps((text) => process.stdout.write(`${text}\n`));
