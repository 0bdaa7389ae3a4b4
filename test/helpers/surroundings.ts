/** The environment of a function in a test: given settings, a recorded log, metrics readable by name. */
import { type Clock, systemClock } from '../../shared/process/clock.ts';
import { Log } from '../../shared/process/log.ts';
import { Metrics } from '../../shared/process/metrics.ts';
import type { FunctionContext } from '../../shared/process/run-function.ts';
import { type Environment, Settings } from '../../shared/process/settings.ts';

export interface TestSurroundings extends FunctionContext {
  /** Entries of the log, parsed. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
}

export function surroundingsFor(env: Environment, clock: Clock = systemClock()): TestSurroundings {
  const lines: Record<string, unknown>[] = [];
  const log = new Log({ function: 'test', level: 'debug', clock, write: (line) => lines.push(JSON.parse(line)) });
  return { settings: new Settings({ PORT: '0', ...env }), log, metrics: new Metrics(), clock, lines };
}

/** The value of one line of the metrics' text, e.g. `knspan_requests_total{outcome="accepted"}`; 0 where there is none. */
export function metricOf(text: string, name: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length + 1));
}
