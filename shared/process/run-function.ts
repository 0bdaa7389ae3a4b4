/** A function as a process: settings, log and metrics in, a clear end out. Exit code 0 stopped, 1 failed, 2 wrong settings. */
import { type Clock, systemClock } from './clock.ts';
import { Log, logLevels, messageOf } from './log.ts';
import { Metrics } from './metrics.ts';
import { ConfigError, processEnvironment, Settings, toMs } from './settings.ts';
import type { Tracing } from './tracing.ts';
import { unknownVariables } from './unknown-variables.ts';

/** What a function gets to start with; a local run makes one for each. */
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

/** Event time apart from the time of day: a test or a replay gives the functions the time of the Events. */
function clockOffsetOf(settings: Settings): number {
  const what = 'for tests and replays: offset added to the wall clock';
  const text = settings.optionalText('KNSPAN_CLOCK_OFFSET', { what, pattern: clockOffset, wanted: 'a duration such as 90s or -2h' });
  const [, sign, length = ''] = clockOffset.exec(text ?? '') ?? [];
  return (sign === '-' ? -1 : 1) * (toMs(length) || 0);
}

/** The port that Knative gives. */
export function portOf(settings: Settings): number {
  return settings.number('PORT', { default: 8080, min: 0, max: 65_535, what: 'port to listen on; 0: any free port' });
}

const warmMs = 100;

/**
 * What stays is collected when it has grown by half, where the default lets it double and more: a third less memory under load for 5 %
 * of CPU, and no limit on what one large change may need. Not on Node's command line: there it voids Node's own compiled code, which
 * costs a cold start 15 ms.
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
  // Also while it starts: a pod may be taken away at once.
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
