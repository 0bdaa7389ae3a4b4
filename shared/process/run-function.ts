/** A function as a process: settings, log and metrics in, an exit code out: 0 stopped, 1 failed, 2 wrong settings. */
import { type Clock, systemClock } from './clock.ts';
import { Log, logLevels, messageOf } from './log.ts';
import { Metrics } from './metrics.ts';
import { ConfigError, processEnvironment, Settings, toMs } from './settings.ts';
import type { Tracing } from './tracing.ts';
import { unknownVariables } from './unknown-variables.ts';

/** The environment of a function; a local run makes one for each. */
export interface FunctionContext {
  readonly settings: Settings;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Absent: the function does not trace itself. */
  readonly tracing?: Tracing;
}

export interface Stoppable {
  close(graceMs: number): Promise<void>;
}

const clockOffset = /^([+-]?)([0-9]{1,12}(?:ms|s|m|h))$/;

export type Start = (surroundings: FunctionContext) => Promise<Stoppable>;

/** Settings that every function reads. */
export function functionContext(
  name: string,
  settings: Settings,
  clock: Clock = systemClock(clockOffsetOf(settings)),
): FunctionContext & { graceMs: number } {
  const level = settings.choice('KNSPAN_LOG_LEVEL', logLevels, 'info', 'minimum log level');
  const graceMs = settings.duration('KNSPAN_GRACE', '25s', 'time to finish after SIGTERM', '0s', '10m');
  return { settings, log: new Log({ function: name, level, clock }), metrics: new Metrics(), clock, graceMs };
}

/** Event time differs from the wall clock in tests and replays. */
function clockOffsetOf(settings: Settings): number {
  const what = 'for tests and replays: offset added to the wall clock';
  const text = settings.optionalText('KNSPAN_CLOCK_OFFSET', { what, pattern: clockOffset, wanted: 'a duration such as 90s or -2h' });
  const [, sign, length = ''] = clockOffset.exec(text ?? '') ?? [];
  return (sign === '-' ? -1 : 1) * (toMs(length) || 0);
}

/** The port set by Knative. */
export function portOf(settings: Settings): number {
  return settings.number('PORT', { default: 8080, min: 0, max: 65_535, what: 'port to listen on; 0: any free port' });
}

const warmMs = 100;

/**
 * Collects garbage when the heap has grown by half, instead of doubling: a third less memory under load for 5 % of CPU, without a limit on
 * what one large change may need. Not on Node's command line: there it invalidates Node's own compiled code, 15 ms of a cold start.
 */
async function keepSmall(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--heap-growing-percent=50');
}

export async function runFunction(name: string, start: Start): Promise<void> {
  const surroundings = functionContext(name, new Settings(processEnvironment()));
  const { log, graceMs } = surroundings;
  for (const sentence of unknownVariables(processEnvironment())) log.warn(sentence);
  const fail = (message: string) => (error: unknown) => {
    log.error(message, { reason: messageOf(error), stack: error instanceof Error ? error.stack : '' });
    process.exit(1);
  };
  process.on('unhandledRejection', fail('unhandled rejection')).on('uncaughtException', fail('uncaught exception'));
  let stop: (() => void) | undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  // Also during start: a pod may be terminated at once.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop?.());
  try {
    const running = await start(surroundings);
    setTimeout(() => void keepSmall(), warmMs).unref();
    await stopped;
    await running.close(graceMs);
    process.exit(0);
  } catch (error) {
    if (!(error instanceof ConfigError)) return fail('failed')(error);
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
