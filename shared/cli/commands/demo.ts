/** `knspan demo heartbeats`: the game of heartbeats and coins, shown and counted. */
import { processEnvironment } from '../../process/settings.ts';
import type { LocalFunctions } from '../local/local-run.ts';
import { clean, counted } from '../output/terminal.ts';

const period = '100ms';

export async function gameCommand(functions: LocalFunctions, beats: number): Promise<void> {
  const { playHeartbeats } = await import('../local/heartbeats.ts');
  const figures = await playHeartbeats(functions, {
    environment: { KNSPAN_HEARTBEAT_PERIOD: period, ...processEnvironment() },
    beats,
    write: (line) => process.stdout.write(`${clean(line)}\n`),
    log: (line) => process.stderr.write(line),
  });
  const { beats: sent, flipped, shown } = figures;
  const sides = (counts: Readonly<Record<string, number>>) => `${counts['heads'] ?? 0} heads, ${counts['tails'] ?? 0} tails`;
  process.stdout.write(`\n${counted(sent, 'heartbeat')}, a game each. Flipped: ${sides(flipped)}. Shown: ${sides(shown)}.\n`);
}
