/** `knspan demo`: sample traces from the bundled recordings, or the game of heartbeats and coins. */
import { fileURLToPath } from 'node:url';
import { defaultConfig } from '../../correlation/config.ts';
import { counted } from '../../events/quantity.ts';
import { processEnvironment } from '../../process/settings.ts';
import type { LocalFunctions } from '../local/local-run.ts';
import type { OutputOptions } from '../output/output.ts';
import { clean } from '../output/terminal.ts';
import type { ShowOptions } from './option-values.ts';
import { replayCommand } from './replay.ts';
import type { PageOptions } from './replay-ui.ts';
import { programName } from './version.ts';

export interface DemoOptions extends OutputOptions, PageOptions, Pick<ShowOptions, 'quiet' | 'exitCode'> {
  readonly beats: number;
}

/** Recordings of a real cluster; each folder holds watch.jsonl and objects-watch.jsonl. */
export const recordings = {
  rollout: fileURLToPath(new URL('../recordings/rollout/', import.meta.url)),
  crashloop: fileURLToPath(new URL('../recordings/crashloop/', import.meta.url)),
} as const;

const titles = {
  rollout: 'A Deployment of 4 replicas on a real cluster: created, updated to a new image, rolled back.',
  crashloop: 'Two Deployments on a real cluster: one crashes, in its next version too; the other fails its liveness probe.',
} as const;
const beatPeriod = '100ms';

export async function demoCommand(functions: LocalFunctions, which: string, options: DemoOptions): Promise<void> {
  if (which === 'heartbeats') return playGame(functions, options.beats);
  const name = which === 'crashloop' ? which : 'rollout';
  const isShown = options.format === undefined && options.out === undefined && !options.ui;
  if (isShown) process.stdout.write(`${titles[name]}\n\n`);
  const paths = [`${recordings[name]}watch.jsonl`];
  const replayOptions = {
    ...options,
    objects: [`${recordings[name]}objects-watch.jsonl`],
    rules: [],
    lenient: false,
    cluster: 'demo',
    failed: false,
    orphans: 'digest' as const,
    budget: defaultConfig.budget,
    rootService: defaultConfig.rootService,
    correlators: 1,
    with: [],
  };
  if (options.ui) return (await import('./replay-ui.ts')).replayInPage(functions, paths, replayOptions);
  await replayCommand(paths, replayOptions);
  if (!isShown) return;
  const { findBinaries } = await import('../../history/embedded/binaries.ts');
  process.stdout.write(hints(programName(), findBinaries() !== null));
}

function hints(knspan: string, hasPage: boolean): string {
  const lines: readonly (readonly [command: string, what: string])[] = [
    [`${knspan} demo crashloop --why`, 'a rollout that fails, and what placed each span'],
    ...(hasPage ? [[`${knspan} demo crashloop --ui`, 'the same in a web page'] as const] : []),
    [`kubectl get events -A -o json | ${knspan} replay - --failed`, 'what has failed in your cluster in the last hour'],
    [`${knspan} find deployment/NAME -n NAMESPACE --last --view tree`, 'the last change of a Deployment'],
    [`${knspan} watch --failed`, 'what fails from now on'],
    [`${knspan} demo --otlp http://localhost:4318`, 'send traces to Jaeger or any OpenTelemetry backend'],
  ];
  const width = Math.max(...lines.map(([command]) => command.length));
  return `\nWhat to try next:\n${lines.map(([command, what]) => `  ${command.padEnd(width)}  ${what}\n`).join('')}`;
}

async function playGame(functions: LocalFunctions, beats: number): Promise<void> {
  const { playHeartbeats } = await import('../local/heartbeats.ts');
  const figures = await playHeartbeats(functions, {
    environment: { KNSPAN_HEARTBEAT_PERIOD: beatPeriod, ...processEnvironment() },
    beats,
    write: (line) => process.stdout.write(`${clean(line)}\n`),
    log: (line) => process.stderr.write(line),
  });
  const { beats: sent, flipped, shown } = figures;
  const sides = (counts: Readonly<Record<string, number>>) => `${counts['heads'] ?? 0} heads, ${counts['tails'] ?? 0} tails`;
  process.stdout.write(`\n${counted(sent, 'heartbeat')}, a game each. Flipped: ${sides(flipped)}. Shown: ${sides(shown)}.\n`);
}
