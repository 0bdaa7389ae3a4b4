/**
 * Settings from the environment: read once at start, all faults are collected and reported together, with variable, value and permitted
 * values. Each read is recorded, so that a test can compare the documented table with the code.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Setting {
  readonly name: string;
  /** As text; empty if there is none. */
  readonly default: string;
  /** Permitted values. */
  readonly wanted: string;
  /** Purpose. */
  readonly what: string;
}

interface TextOptions {
  readonly default?: string;
  readonly pattern?: RegExp;
  readonly wanted?: string;
  readonly what: string;
}

interface NumberOptions {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly what: string;
}

interface UrlOptions {
  readonly default?: string;
  /** With the colon. */
  readonly protocols?: readonly string[];
  readonly what: string;
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const yes = ['true', '1', 'yes', 'on'];
const no = ['false', '0', 'no', 'off'];
const shownMost = 100;

/** The only place that reads the process's environment. */
export function processEnvironment(): Environment {
  return process.env;
}

export class Settings {
  readonly #env: Environment;
  readonly #faults: string[] = [];
  readonly #table = new Map<string, Setting>();

  constructor(env: Environment) {
    this.#env = env;
  }

  /** All settings read so far, in order of their first read. */
  get table(): readonly Setting[] {
    return [...this.#table.values()];
  }

  text(name: string, options: TextOptions): string {
    const found = this.optionalText(name, options);
    if (found === undefined) this.#missing(name);
    return found ?? '';
  }

  optionalText(name: string, options: TextOptions): string | undefined {
    const wanted = options.wanted ?? (options.pattern === undefined ? 'text' : `text that matches ${options.pattern.source}`);
    const value = this.#read(name, options.default, wanted, options.what);
    if (value !== undefined && options.pattern !== undefined && !options.pattern.test(value)) this.fault(name, value, wanted);
    return value;
  }

  number(name: string, options: NumberOptions): number {
    const wanted = `an integer from ${options.min} to ${options.max}`;
    const value = this.#read(name, String(options.default), wanted, options.what) ?? '';
    const number = /^[+-]?[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= options.min && number <= options.max) return number;
    this.fault(name, value, wanted);
    return options.default;
  }

  choice<T extends string>(name: string, values: readonly T[], fallback: T, what: string): T {
    const wanted = `one of ${values.join(', ')}`;
    const value = this.#read(name, fallback, wanted, what);
    const found = values.find((permitted) => permitted === value);
    if (found === undefined) this.fault(name, value ?? '', wanted);
    return found ?? fallback;
  }

  flag(name: string, fallback: boolean, what: string): boolean {
    const value = (this.#read(name, String(fallback), 'true or false', what) ?? '').toLowerCase();
    if (!yes.includes(value) && !no.includes(value)) this.fault(name, value, 'true or false');
    return yes.includes(value);
  }

  /** Returns milliseconds; `fallback`, `least` and `most` are written like the value: '500ms', '30s', '5m', '2h'. */
  duration(name: string, fallback: string, what: string, least = '0s', most = '720h'): number {
    const wanted = `a duration from ${least} to ${most} such as 500ms, 30s, 5m or 2h`;
    const value = this.#read(name, fallback, wanted, what) ?? '';
    const ms = toMs(value);
    if (ms >= toMs(least) && ms <= toMs(most)) return ms;
    this.fault(name, value, wanted);
    return toMs(fallback);
  }

  url(name: string, options: UrlOptions): string {
    const found = this.optionalUrl(name, options);
    if (found === undefined) this.#missing(name);
    return found ?? '';
  }

  optionalUrl(name: string, options: UrlOptions): string | undefined {
    const protocols = options.protocols ?? ['http:', 'https:'];
    const wanted = `a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
    const value = this.#read(name, options.default, wanted, options.what);
    if (value === undefined) return undefined;
    if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol) || new URL(value).host === '') this.fault(name, value, wanted);
    return value;
  }

  /** A value that is never shown in messages or tables. */
  secret(name: string, what: string): string | undefined {
    return this.#read(name, undefined, 'a secret', what);
  }

  /** Reports a value that the caller has found to be invalid. */
  fault(name: string, value: string, wanted: string): void {
    this.#faults.push(`${name} is ${shown(value)}, wanted ${wanted}`);
  }

  /** The same for a value that must not be shown or is missing. */
  refuse(name: string, state: 'not set' | 'not readable', wanted: string): void {
    this.#faults.push(`${name} is ${state}, wanted ${wanted}`);
  }

  /** Throws one error with all faults. */
  finish(functionName: string): void {
    if (this.#faults.length === 0) return;
    throw new ConfigError(this.#faults.map((fault) => `Cannot start ${functionName}: ${fault}`).join('\n'));
  }

  #missing(name: string): void {
    this.refuse(name, 'not set', this.#table.get(name)?.wanted ?? 'a value');
  }

  /** Blank counts as unset, as in the OpenTelemetry specification. */
  #read(name: string, fallback: string | undefined, wanted: string, what: string): string | undefined {
    if (!this.#table.has(name)) this.#table.set(name, { name, default: fallback ?? '', wanted, what });
    const value = Object.hasOwn(this.#env, name) ? this.#env[name]?.trim() : undefined;
    return value === undefined || value === '' ? fallback : value;
  }
}

/** NaN if the text is not a duration. */
export function toMs(text: string): number {
  const parts = /^([0-9]{1,12})(ms|s|m|h)$/.exec(text);
  return parts === null ? Number.NaN : Number(parts[1]) * (units[parts[2] ?? ''] ?? Number.NaN);
}

/** Masks everything before the @ of a URL: it may be a password. */
function shown(value: string): string {
  const clean = value.replaceAll(/[^\s@]*@/g, '***@').replaceAll(/[\u0000-\u001f\u007f]/g, ' ');
  return `'${clean.length > shownMost ? `${clean.slice(0, shownMost)}…` : clean}'`;
}
