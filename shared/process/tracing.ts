/**
 * The interface of self-tracing, implemented by `shared/telemetry` when KNSPAN_SELF_TRACING is set. Off, which is the default, every method
 * just runs the work. These spans describe knspan's own work; they are unrelated to the spans of traces.
 */

/** By lower-case name. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;
/** A request, possibly to another process: W3C traceparent, and its start, ms. */
export type Origin = readonly [traceparent: string, at: number];

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Tracing {
  /** The span of a request, a child of the span named by its headers. */
  receive<T>(headers: RequestHeaders, work: () => T): T;
  /** A child of the current span; without one, runs the work only. */
  span<T>(name: string, work: () => T, attributes?: SpanAttributes): T;
  /** Starts a trace, if sampled. */
  start<T>(name: string, work: () => T): T;
  /** The current span, for others to refer to; null: none. */
  origin(): Origin | null;
  /** A child of the latest of these, linked to the others; without any, runs the work only. */
  after<T>(name: string, origins: readonly Origin[], work: () => T): T;
  /** A child of the span marked by this key; without one, runs the work only. */
  below<T>(key: string, name: string, work: () => T): T;
  /** A step that began at this time (ms) and ends now, a child of the current span. */
  past(name: string, began: number): void;
  /** Marks the current span by a key for `below`; the number of marks is bounded. */
  mark(key: string): void;
  /** Headers for an outgoing request. */
  headers(): Readonly<Record<string, string>>;
  /** There is a current span. */
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
