/**
 * knspan traced by itself: the role. Off, which is the default, everything here runs the work and nothing else. `shared/telemetry` plays
 * it when KNSPAN_SELF_TRACING is set. These spans are about knspan's own doing and have nothing in common with those that it makes.
 */

/** By lower-case name. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;
/** The request that has brought something, also one to another process: W3C traceparent, and when it began, ms. */
export type Origin = readonly [traceparent: string, at: number];

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Tracing {
  /** The span of a request, below the one that its headers name. */
  receive<T>(headers: RequestHeaders, work: () => T): T;
  /** Below the span that runs now; without one, nothing but the work. */
  span<T>(name: string, work: () => T, attributes?: SpanAttributes): T;
  /** The beginning of a trace, by chance. */
  start<T>(name: string, work: () => T): T;
  /** What the span that runs now is to others; null: none does. */
  origin(): Origin | null;
  /** Below the latest of these, linked to the others; where there is none, nothing but the work. */
  after<T>(name: string, origins: readonly Origin[], work: () => T): T;
  /** Below what was marked by this key; where nothing was, nothing but the work. */
  below<T>(key: string, name: string, work: () => T): T;
  /** A step that began at this time (ms) and ends now, below the span that runs now. */
  past(name: string, began: number): void;
  /** The span that runs now is found by the key later, for as long as there is room. */
  mark(key: string): void;
  /** For a request that is sent now. */
  headers(): Readonly<Record<string, string>>;
  /** Whether something runs that can be marked. */
  readonly isRunning: boolean;
}

const none = {};

export const noTracing: Tracing = {
  receive: (_, work) => work(),
  span: (_, work) => work(),
  start: (_, work) => work(),
  origin: () => null,
  after: (_, __, work) => work(),
  below: (_, __, work) => work(),
  past: () => undefined,
  mark: () => undefined,
  headers: () => none,
  isRunning: false,
};
