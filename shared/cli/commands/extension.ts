/** `knspan extension`: tests a function of the user with recordings, serves it, or prints its manifests. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { counted } from '../../events/quantity.ts';
import type { ExtensionFunction, Outcome } from '../../extension/definition.ts';
import { ManualClock } from '../../process/clock.ts';
import { runFunction } from '../../process/run-function.ts';
import { processEnvironment } from '../../process/settings.ts';
import { sendAll } from '../live/apiserver-notifications.ts';
import { loadExtension } from '../local/extension-file.ts';
import { manifestsOf } from '../local/extension-manifests.ts';
import type { LocalFunctions, Trial } from '../local/local-run.ts';
import { notificationsOf, playAll } from '../local/replay-through-http.ts';
import { clean } from '../output/terminal.ts';
import { recordings } from './demo.ts';

export interface TestOptions {
  readonly capture: readonly string[];
  readonly with: readonly string[];
}

const passing: readonly Outcome[] = ['replied', 'accepted'];
const reasonsMax = 10;

export async function runExtension(file: string): Promise<void> {
  const extension = await loadExtension(file);
  await runFunction(extension.name, (context) => extension.start(context));
}

export async function printManifests(file: string, { image, args }: { image: string; args: readonly string[] }): Promise<void> {
  process.stdout.write(manifestsOf(await loadExtension(file), image, args));
}

/** The outcomes of all events over all captures. */
class Tally {
  readonly counts = new Map<string, Map<Outcome, number>>();
  readonly reasons = new Set<string>();
  exported = 0;
  faults = 0;

  add(type: string, outcome: Outcome, said: string): void {
    const counts = this.counts.get(type) ?? new Map<Outcome, number>();
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    this.counts.set(type, counts);
    if (passing.includes(outcome)) return;
    this.faults += 1;
    if (this.reasons.size < reasonsMax) this.reasons.add(said);
  }

  get lines(): string[] {
    return [...this.counts].map(
      ([type, counts]) => `  ${clean(type)}: ${[...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`,
    );
  }
}

export async function testExtension(functions: LocalFunctions, file: string, options: TestOptions): Promise<void> {
  const extension = await loadExtension(file);
  const tally = new Tally();
  const captures = options.capture.length > 0 ? options.capture : Object.values(recordings);
  const own = hasManifests(file) ? [dirname(resolve(file))] : [];
  const overlays = [...own, ...options.with];
  for (const capture of captures) await playOne(functions, extension, capture, overlays, tally);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  say(`${extension.name}: ${counted(captures.length, 'capture')} through the local broker`);
  for (const line of tally.lines) say(line);
  say(`  ${counted(tally.exported, 'segment')} to the exporter`);
  if (tally.counts.size === 0)
    say(`No event reached it: no capture contains ${extension.types.join(' or ')}, or its Trigger filters them all`);
  for (const reason of tally.reasons) say(`  ${clean(reason)}`);
  const isGood = tally.faults === 0 && tally.counts.size > 0;
  say(isGood ? 'Passed: every reply is one event or none, the same for the same event, without loops.' : 'Failed.');
  if (!isGood) process.exitCode = 1;
}

async function playOne(
  functions: LocalFunctions,
  extension: ExtensionFunction,
  capture: string,
  overlays: readonly string[],
  tally: Tally,
): Promise<void> {
  const objectsFile = join(capture, 'objects-watch.jsonl');
  const { events, objects } = await notificationsOf([join(capture, 'watch.jsonl')], existsSync(objectsFile) ? [objectsFile] : []);
  const clock = new ManualClock(events[0]?.at ?? 0);
  const trial: Trial = {
    extension,
    manifests: [{ file: `manifests of ${extension.name}`, text: manifestsOf(extension, 'local') }],
    checks: true,
    absorbs: true,
    onOutcome: (type, outcome, said) => tally.add(type, outcome, said),
  };
  const { startLocal } = await import('../local/local-pipeline.ts');
  const run = await startLocal(functions, {
    environment: { ...processEnvironment(), KNSPAN_LOOKUPS: 'false', KNSPAN_TICK_TIMEOUT: '5m', REDIS_URL: '' },
    clock,
    logLevel: 'off',
    log: (line) => process.stderr.write(line),
    port: 0,
    host: '127.0.0.1',
    correlators: 1,
    onSegment: async () => {
      tally.exported += 1;
    },
    exports: false,
    reconciles: false,
    beats: false,
    overlays,
    trial,
  });
  try {
    await sendAll(run.url, objects, 8);
    await playAll(run, clock, events);
  } finally {
    await run.close();
  }
}

function hasManifests(file: string): boolean {
  return readdirSync(dirname(resolve(file))).some((name) => /\.ya?ml$/.test(name) && name !== 'func.yaml');
}
