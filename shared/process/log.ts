/** Structured logs: one line of JSON per entry, of bounded length whatever a sender puts into its values. */
import { type Clock, systemClock } from './clock.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'off'] as const;
export type LogLevel = (typeof logLevels)[number];
export type Fields = Readonly<Record<string, unknown>>;

const textMost = 500;
const fieldsMost = 30;
const keysMost = 1_000;
const minute = 60_000;

export interface LogOptions {
  /** Name of the function: `correlator`, `exporter`, ... */
  readonly function: string;
  readonly level?: LogLevel;
  readonly clock?: Clock;
  readonly write?: (line: string) => void;
}

export class Log {
  readonly #function: string;
  readonly #rank: number;
  readonly #clock: Clock;
  readonly #write: (line: string) => void;
  /** Per key: entries written in its current minute. */
  readonly #samples = new Map<string, { since: number; count: number; held: number }>();

  constructor(options: LogOptions) {
    this.#function = options.function;
    this.#rank = logLevels.indexOf(options.level ?? 'info');
    this.#clock = options.clock ?? systemClock();
    this.#write = options.write ?? ((line) => process.stdout.write(line));
  }

  debug(message: string, fields: Fields = {}): void {
    this.#entry('debug', message, fields);
  }

  info(message: string, fields: Fields = {}): void {
    this.#entry('info', message, fields);
  }

  warn(message: string, fields: Fields = {}): void {
    this.#entry('warn', message, fields);
  }

  error(message: string, fields: Fields = {}): void {
    this.#entry('error', message, fields);
  }

  /**
   * For entries that a sender can cause at will: undefined once `perMinute` entries of this key were written within the minute.
   * Use: `log.sampled('bad-input', 10)?.warn('...')`. The first entry of a later minute has the number of suppressed ones.
   */
  sampled(key: string, perMinute: number): Pick<Log, 'warn' | 'error' | 'info'> | undefined {
    const now = this.#clock.now();
    const known = this.#samples.get(key);
    if (known !== undefined && now - known.since < minute) {
      if (known.count >= perMinute) {
        known.held += 1;
        return undefined;
      }
      known.count += 1;
      return this;
    }
    if (this.#samples.size >= keysMost) this.#samples.clear();
    this.#samples.set(key, { since: now, count: 1, held: 0 });
    return known === undefined || known.held === 0 ? this : this.#with({ heldBack: known.held });
  }

  #with(more: Fields): Pick<Log, 'warn' | 'error' | 'info'> {
    return {
      info: (message, fields) => this.#entry('info', message, { ...fields, ...more }),
      warn: (message, fields) => this.#entry('warn', message, { ...fields, ...more }),
      error: (message, fields) => this.#entry('error', message, { ...fields, ...more }),
    };
  }

  #entry(level: LogLevel, message: string, fields: Fields): void {
    if (logLevels.indexOf(level) < this.#rank) return;
    const entry: Record<string, unknown> = {
      time: new Date(this.#clock.now()).toISOString(),
      level,
      function: this.#function,
      message: cut(message),
    };
    for (const [key, value] of Object.entries(fields).slice(0, fieldsMost)) if (!(key in entry)) entry[key] = plain(value);
    this.#write(`${JSON.stringify(entry)}\n`);
  }
}

/** The message of an error, for a log or a response; never its stack, which names files. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return cut(String(error));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return cut(error.message || code || error.name);
}

function plain(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null || value === undefined) return value;
  if (typeof value === 'string') return cut(value);
  if (value instanceof Error) return messageOf(value);
  if (typeof value === 'bigint') return value.toString();
  return cut(safeJson(value));
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'not representable';
  }
}

/** JSON escapes line ends; the remaining control characters would disturb a terminal or a log reader. */
function cut(text: string): string {
  const clean = text.slice(0, textMost).replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ');
  return text.length > textMost ? `${clean}… (${text.length} characters)` : clean;
}
