/** What a function is, and what a run gives it and hears of it. `define.ts` makes one, `run.ts` serves it. */
import type { Wiring } from '../dev-broker/wiring.ts';
import type { Sink } from '../http/sink.ts';
import type { FunctionContext, Stoppable } from '../process/run-function.ts';
import type { Input } from './input.ts';
import type { Reply } from './reply.ts';

// biome-ignore lint/suspicious/noConfusingVoidType: a function that only looks on returns nothing
export type Handled<R extends string = string> = Reply<R> | null | undefined | void;

export interface Definition<T extends string, R extends string, C> {
  /** Of the Knative Service; part of the replies' source and id. */
  readonly name: string;
  /** Of the events that it takes, as in its Trigger. */
  readonly types: readonly T[];
  /** Types that it may reply with; absent: it never replies. */
  readonly replies?: readonly R[];
  /** Its own replies may come back to it. Then `hopsMost` is what ends that on every Broker. */
  readonly loops?: boolean;
  /** An event that was made of so many others gets no reply any more. Default 8. */
  readonly hopsMost?: number;
  /** For one event; below the timeout of the Trigger. Default 4,000. */
  readonly timeoutMs?: number;
  /** Runs once at the start: settings, counters. */
  readonly configure?: (surroundings: FunctionContext) => C;
  /** One reply or none. What it throws is tried again, then goes to the dead letters. */
  readonly handle: (event: Input<T>, config: C) => Handled<R> | Promise<Handled<R>>;
}

/** What a local run or a test gives. */
export interface Given {
  /** Known in a local run: then a reply that would come back to the function is refused at the start. */
  readonly wiring?: Wiring;
  readonly sink?: Sink;
  /** Handles each event twice and refuses replies that differ. */
  readonly checks?: boolean;
  /** Whatever comes of an event, the sender hears that it was taken: who counts outcomes wants each event once. */
  readonly absorbs?: boolean;
  readonly onOutcome?: (type: string, outcome: Outcome, said: string) => void;
}

/** replied; taken without a reply; ended: too many hops; refused: no input of this function; faulty: a reply against the rules. */
export const outcomes = ['replied', 'taken', 'ended', 'refused', 'faulty', 'failed', 'late', 'unsent'] as const;
export type Outcome = (typeof outcomes)[number];

export interface ExtensionFunction {
  readonly [mark]: true;
  readonly name: string;
  readonly types: readonly string[];
  readonly replies: readonly string[];
  readonly loops: boolean;
  readonly hopsMost: number;
  readonly timeoutMs: number;
  /** What handles an event, with its configuration inside. */
  prepare(surroundings: FunctionContext): (input: unknown) => Promise<Handled>;
  start(surroundings: FunctionContext, given?: Given): Promise<Stoppable & { readonly url: string }>;
}

/** The same in every copy of the kit. */
export const mark: unique symbol = Symbol.for('knspan.extension');

export function isExtension(value: unknown): value is ExtensionFunction {
  return typeof value === 'object' && value !== null && mark in value;
}
