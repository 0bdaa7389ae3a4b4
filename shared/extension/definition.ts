/** The type of a function, and the interface to what runs it. `define.ts` makes one, `run.ts` serves it. */
import type { Wiring } from '../dev-broker/wiring.ts';
import type { Sink } from '../http/sink.ts';
import type { FunctionContext, Stoppable } from '../process/run-function.ts';
import type { Input } from './input.ts';
import type { Reply } from './reply.ts';

// biome-ignore lint/suspicious/noConfusingVoidType: a function without replies returns nothing
export type Handled<R extends string = string> = Reply<R> | null | undefined | void;

export interface Definition<T extends string, R extends string, C> {
  /** Name of the Knative Service; part of the replies' source and id. */
  readonly name: string;
  /** Types of events that it accepts, as in its Trigger. */
  readonly types: readonly T[];
  /** Types of its replies; absent: it never replies. */
  readonly replies?: readonly R[];
  /** Its own replies may come back to it; `hopsMost` ends the loop on every Broker. */
  readonly loops?: boolean;
  /** Max hops: an event derived from so many others gets no reply. Default 8. */
  readonly hopsMost?: number;
  /** Per event, ms; below the timeout of the Trigger. Default 4,000. */
  readonly timeoutMs?: number;
  /** Runs once at start: settings, metrics. */
  readonly configure?: (surroundings: FunctionContext) => C;
  /** Returns one reply or none. An error is retried, then becomes a dead letter. */
  readonly handle: (event: Input<T>, config: C) => Handled<R> | Promise<Handled<R>>;
}

/** Given by a local run or a test. */
export interface Given {
  /** Known in a local run: a reply that would come back to the function is then refused at start. */
  readonly wiring?: Wiring;
  readonly sink?: Sink;
  /** Handle each event twice and refuse replies that differ. */
  readonly checks?: boolean;
  /** Acknowledge every event whatever its outcome, so that outcomes are counted once per event. */
  readonly absorbs?: boolean;
  readonly onOutcome?: (type: string, outcome: Outcome, said: string) => void;
}

/** replied; accepted: no reply; ended: too many hops; rejected: not an input of this function; faulty: an invalid reply. */
export const outcomes = ['replied', 'accepted', 'ended', 'rejected', 'faulty', 'failed', 'late', 'unsent'] as const;
export type Outcome = (typeof outcomes)[number];

export interface ExtensionFunction {
  readonly [mark]: true;
  readonly name: string;
  readonly types: readonly string[];
  readonly replies: readonly string[];
  readonly loops: boolean;
  readonly hopsMost: number;
  readonly timeoutMs: number;
  /** Handles an event; holds the configuration. */
  prepare(surroundings: FunctionContext): (input: unknown) => Promise<Handled>;
  start(surroundings: FunctionContext, given?: Given): Promise<Stoppable & { readonly url: string }>;
}

/** Shared by all copies of the kit in a process. */
export const mark: unique symbol = Symbol.for('knspan.extension');

export function isExtension(value: unknown): value is ExtensionFunction {
  return typeof value === 'object' && value !== null && mark in value;
}
