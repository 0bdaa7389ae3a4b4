/** `npm run bench`: speed and memory of reading and correlating Events. Prints figures, asserts nothing. */
import { fork } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { loadRules } from '../../shared/cli/input/load-input.ts';
import { defaultConfig } from '../../shared/correlation/config.ts';
import { emptyContext, emptyKeep } from '../../shared/correlation/context.ts';
import { correlate } from '../../shared/correlation/correlate.ts';
import { factsOf } from '../../shared/correlation/routing/event-facts.ts';
import { MemoryFacts } from '../../shared/correlation/routing/memory-facts.ts';
import { route } from '../../shared/correlation/routing/route.ts';
import { meaningOf } from '../../shared/correlation/rules/match.ts';
import type { Observation } from '../../shared/events/observation.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { rolloutEvents } from '../helpers/rollout.ts';
import { benchColdStart } from './cold-start.ts';
import type { ReplayFigures } from './replay.ts';
import { benchSteps } from './steps.ts';
import { benchStore } from './store.ts';
import { benchThroughput } from './throughput.ts';

const say = (text: string) => process.stdout.write(`${text}\n`);
const loadedRules = await loadRules([], false);
if (!loadedRules.ok) throw new Error('Cannot compile the built-in rules');
const { rules } = loadedRules;
const podsInLarge = 5_000;
const eventsInFile = Number(process.argv[2] ?? 1_000_000);

say(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${new Date().toISOString().slice(0, 10)}`);

function toObservations(events: readonly unknown[]): Observation[] {
  return events.flatMap((event) => {
    const parsed = parseEvent(event);
    return parsed.ok ? [parsed.value] : [];
  });
}

function perSecond(count: number, micros: number): string {
  return `${Math.round(count / (micros / 1e6)).toLocaleString('en')} events/s`;
}

/** Time on the clock, and that of this thread: the two differ where others use the machine as well. */
function timed<T>(run: () => T): { value: T; micros: number; cpuMicros: number } {
  const began = process.hrtime.bigint();
  const before = process.threadCpuUsage();
  const value = run();
  const { user, system } = process.threadCpuUsage(before);
  return { value, micros: Number(process.hrtime.bigint() - began) / 1_000, cpuMicros: user + system };
}

function seconds(micros: number): string {
  return `${(micros / 1e6).toFixed(2)} s`;
}

const large = [...rolloutEvents({ name: 'web', pods: podsInLarge, uid: 'd', at: Date.UTC(2026, 0, 1) * 1_000 })];
const parsed = timed(() => toObservations(large));
say(`parse: ${perSecond(large.length, parsed.micros)}`);

for (let round = 1; round <= 3; round += 1) {
  const facts = new MemoryFacts();
  const objects = new ObjectIndex();
  const known = parsed.value.map((observation) => ({ observation, meaning: meaningOf(rules, observation) }));
  for (const { observation, meaning } of known) for (const fact of factsOf(observation, meaning)) facts.add(fact);
  const routed = timed(() => known.map(({ observation, meaning }) => route(observation, meaning, facts, objects)));
  const input = { observations: routed.value, keep: emptyKeep, objects, context: emptyContext(), now: Number.POSITIVE_INFINITY };
  const decided = timed(() => correlate(input, defaultConfig));
  const spans = decided.value.segments.reduce((sum, segment) => sum + segment.spans.length, 0);
  say(
    `${podsInLarge}-pod rollout, ${large.length} events, round ${round}: routed in ${seconds(routed.micros)}, correlated in ${seconds(decided.micros)} (${seconds(decided.cpuMicros)} of CPU), ${spans} spans`,
  );
}

const folder = await mkdtemp(join(tmpdir(), 'knspan-bench-'));
const file = join(folder, 'events.json');
const podsEach = 20;
const out = createWriteStream(file);
out.write('{"apiVersion":"v1","kind":"List","items":[');
let written = 0;
for (let deployment = 0; written < eventsInFile; deployment += 1) {
  const events = rolloutEvents({
    name: `app-${deployment}`,
    pods: podsEach,
    uid: `d${deployment}`,
    at: (Date.UTC(2026, 0, 1) + deployment * 2_000) * 1_000,
  });
  for (const event of events) {
    if (written >= eventsInFile) break;
    if (!out.write(`${written === 0 ? '' : ','}${JSON.stringify(event)}`))
      await new Promise<void>((resolve) => out.once('drain', () => resolve()));
    written += 1;
  }
}
out.end(']}');
await finished(out);
const { elapsed, cpu, mebibytes, traces } = await replayed(file);
say(
  `replay ${written.toLocaleString('en')} events from one List: ${elapsed.toFixed(1)} s (${cpu.toFixed(1)} s of CPU), ${perSecond(written, elapsed * 1e6)}, ${traces.toLocaleString('en')} traces, peak memory ${mebibytes.toLocaleString('en')} MiB`,
);
await rm(folder, { recursive: true });

/** What `knspan replay FILE --format otlp-json` takes, in a process of its own with Node's own limits. */
function replayed(path: string): Promise<ReplayFigures> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./replay.ts', import.meta.url)), [path], { execArgv: [] });
    child.on('message', (figures: ReplayFigures) => resolve(figures));
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`Cannot replay: the process ended with ${code}, wanted its figures first`)));
  });
}
await benchSteps(say);
await benchStore(say);
await benchColdStart(say);
await benchThroughput(say);
