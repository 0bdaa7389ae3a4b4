/** `knspan replay` on one file, for the benchmark: reports time and memory to its parent. */
import { devNull } from 'node:os';
import { replayCommand } from '../../shared/cli/commands/replay.ts';
import { defaultConfig } from '../../shared/correlation/config.ts';

export interface ReplayFigures {
  /** Seconds, of the clock and of the CPU (all threads). */
  readonly elapsed: number;
  readonly cpu: number;
  readonly mebibytes: number;
  readonly traces: number;
}

/** The summary on standard error tells how many traces there were. */
let said = '';
const write = process.stderr.write.bind(process.stderr);
process.stderr.write = (text: string | Uint8Array) => {
  said += String(text);
  return write(text);
};
const began = process.hrtime.bigint();
await replayCommand([process.argv[2] ?? ''], {
  objects: [],
  rules: [],
  lenient: false,
  cluster: 'bench',
  failed: false,
  view: 'tree',
  format: 'otlp-json',
  out: devNull,
  why: false,
  orphans: 'digest',
  budget: defaultConfig.budget,
  rootService: defaultConfig.rootService,
  quiet: false,
  exitCode: false,
  correlators: 1,
  with: [],
});
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
const figures: ReplayFigures = {
  elapsed: Number(process.hrtime.bigint() - began) / 1e9,
  cpu: (userCPUTime + systemCPUTime) / 1e6,
  mebibytes: Math.round(maxRSS / 1_024),
  traces: Number(/([\d,]+) traces? shown/.exec(said)?.[1]?.replaceAll(',', '') ?? 0),
};
process.send?.(figures);
