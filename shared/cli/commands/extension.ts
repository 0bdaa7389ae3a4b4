/** `knspan extension`: a function of one's own is tried with the bundled captures, served, and described for a cluster. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { ExtensionFunction, Outcome } from '../../extension/definition.ts';
import { ManualClock } from '../../process/clock.ts';
import { runFunction } from '../../process/run-function.ts';
import { processEnvironment } from '../../process/settings.ts';
import { InputError } from '../input/read-input.ts';
import { sendAll } from '../live/apiserver-notifications.ts';
import { loadExtension } from '../local/extension-file.ts';
import { manifestsOf } from '../local/extension-manifests.ts';
import type { LocalFunctions, Trial } from '../local/local-run.ts';
import { noticesOf, playAll } from '../local/replay-through-http.ts';
import { clean, counted } from '../output/terminal.ts';

export interface TestOptions {
  readonly capture: readonly string[];
  readonly with: readonly string[];
}

const bundled = fileURLToPath(new URL('../../../test/replay/captures/', import.meta.url));
const good: readonly Outcome[] = ['replied', 'taken'];
const reasonsMost = 10;
const collect = (value: string, before: string[]): string[] => [...before, value];

export function addExtensionCommands(knspan: Command, functions: LocalFunctions): void {
  const extension = knspan.command('extension').description('functions of your own on the Brokers: try, run, deploy');
  extension
    .command('test')
    .argument('<file>', 'exports a function: export default defineFunction({...})')
    .description('send real traces through the local broker to the function, each twice, and check what it replies')
    .option('--capture <folder>', 'one’s own recording in place of the bundled ones (repeatable)', collect, [])
    .option('--with <overlay>', 'sampling, redact, owner-team, alert, or a folder of manifests (repeatable)', collect, [])
    .action((file: string, options: TestOptions) => testExtension(functions, file, options));
  extension
    .command('run')
    .argument('<file>')
    .description('serve the function on PORT, as in a cluster')
    .action(async (file: string) => {
      const loaded = await loadExtension(file);
      await runFunction(loaded.name, (surroundings) => loaded.start(surroundings));
    });
  extension
    .command('yaml')
    .argument('<file>')
    .requiredOption('--image <image>', 'what the Service runs')
    .option('--args <argument...>', 'arguments of its container', [])
    .description('Service, SinkBinding and Trigger of the function: | kubectl apply -f -')
    .action(async (file: string, { image, args }: { image: string; args: readonly string[] }) => {
      process.stdout.write(manifestsOf(await loadExtension(file), image, args));
    });
}

/** What the function has made of events, over all captures. */
class Tally {
  readonly counts = new Map<string, Map<Outcome, number>>();
  readonly reasons = new Set<string>();
  exported = 0;
  faults = 0;

  add(type: string, outcome: Outcome, said: string): void {
    const counts = this.counts.get(type) ?? new Map<Outcome, number>();
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    this.counts.set(type, counts);
    if (good.includes(outcome)) return;
    this.faults += 1;
    if (this.reasons.size < reasonsMost) this.reasons.add(said);
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
  const captures = options.capture.length > 0 ? options.capture : bundledCaptures();
  const own = hasManifests(file) ? [dirname(resolve(file))] : [];
  const overlays = [...own, ...options.with];
  for (const capture of captures) await playOne(functions, extension, capture, overlays, tally);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  say(`${extension.name}: ${counted(captures.length, 'capture')} through the local broker`);
  for (const line of tally.lines) say(line);
  say(`  ${counted(tally.exported, 'segment')} to the exporter`);
  if (tally.counts.size === 0)
    say(`No event came to it: none of the captures brings ${extension.types.join(' or ')}, or its Trigger lets none pass`);
  for (const reason of tally.reasons) say(`  ${clean(reason)}`);
  const isGood = tally.faults === 0 && tally.counts.size > 0;
  say(isGood ? 'Every reply keeps the rules: one event or none, the same for the same event, no loop.' : 'The function does not pass.');
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
  const { events, objects } = await noticesOf([join(capture, 'watch.jsonl')], existsSync(objectsFile) ? [objectsFile] : []);
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
    environment: { ...processEnvironment(), KNSPAN_LOOKUPS: 'false', KNSPAN_TICK_WAITS: '5m', REDIS_URL: '' },
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

/** Those that came along with the package. */
function bundledCaptures(): string[] {
  const names = existsSync(bundled) ? readdirSync(bundled, { withFileTypes: true }) : [];
  const folders = names.filter((entry) => entry.isDirectory() && existsSync(join(bundled, entry.name, 'watch.jsonl')));
  if (folders.length === 0) throw new InputError(`Cannot test: wanted a recording, found none in ${bundled}; give one by --capture`);
  return folders.map(({ name }) => join(bundled, name));
}

function hasManifests(file: string): boolean {
  return readdirSync(dirname(resolve(file))).some((name) => /\.ya?ml$/.test(name) && name !== 'func.yaml');
}
