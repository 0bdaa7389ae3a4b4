/**
 * The whole pipeline in one process, as the command line sees it: what a run is given, what it gives back, and which functions it starts.
 * Nothing in shared/ imports a function: `functions/main.ts` hands them in.
 */

import type { CompiledRules } from '../../correlation/rules/match.ts';
import type { Source } from '../../dev-broker/manifest-reader.ts';
import type { ExtensionFunction, Given } from '../../extension/definition.ts';
import type { Clock } from '../../process/clock.ts';
import type { LogLevel } from '../../process/log.ts';
import type { FunctionContext, Start, Stoppable } from '../../process/run-function.ts';
import type { Environment } from '../../process/settings.ts';
import type { Segment } from '../../spans/span.ts';
import type { Store, StoreSizes } from '../../store/store.ts';

export interface LocalOptions {
  /** Settings of the functions, as in a cluster. */
  readonly environment: Environment;
  readonly clock: Clock;
  readonly logLevel: LogLevel;
  readonly log: (line: string) => void;
  /** Of the ingress; 0 takes a free one. */
  readonly port: number;
  readonly host: string;
  readonly correlators: number;
  /** Absent: the correlators read those that KNSPAN_RULES names. */
  readonly rules?: CompiledRules;
  /** Without it segments are only exported. */
  readonly onSegment?: (segment: Segment) => Promise<void>;
  /** Sends segments to the OpenTelemetry backend that the environment names. */
  readonly exports: boolean;
  /** Lists a live cluster for missed Events; else the tick only sweeps. */
  readonly reconciles: boolean;
  /** Sweeps and ticks by the clock; false where who moves the clock does it. */
  readonly beats: boolean;
  /** Overlays beside the base: names of ours, or folders with one's own manifests and function. Without any, no extension runs. */
  readonly overlays?: readonly string[];
  readonly trial?: Trial;
}

/** A function that is tried: it runs in place of what its Service would run. */
export interface Trial extends Given {
  readonly extension: ExtensionFunction;
  /** Its own manifests, where its folder has none. */
  readonly manifests: readonly Source[];
}

export interface LocalRun {
  /** `POST` CloudEvents here: the Broker `events`. */
  readonly url: string;
  /** What was sent so far has been delivered when it resolves. */
  delivered(): Promise<void>;
  /** All that is due by the clock is routed, decided and delivered when it resolves. */
  settle(): Promise<void>;
  figures(): Promise<StoreSizes>;
  close(): Promise<void>;
}

/** What `knspan demo heartbeats` has seen. */
export interface GameFigures {
  readonly beats: number;
  readonly flipped: Readonly<Record<string, number>>;
  readonly shown: Readonly<Record<string, number>>;
}

export interface GameOptions {
  readonly environment: Environment;
  readonly beats: number;
  readonly write: (line: string) => void;
  readonly log: (line: string) => void;
}

export interface Running extends Stoppable {
  readonly url: string;
}

/** One of the correlators of a run. */
export interface LocalCorrelator extends Running {
  /** Resolves when nothing is due any more and all that was decided is sent or postponed. */
  sweep(): Promise<void>;
}

/** The functions that a local run starts; each is loaded when it is started. */
export interface LocalFunctions {
  startCorrelator(
    context: FunctionContext,
    given: { store: Store; beats: boolean; cluster?: string; rules?: CompiledRules },
  ): Promise<LocalCorrelator>;
  startExporter(surroundings: FunctionContext): Promise<Running>;
  startReconciler(surroundings: FunctionContext, given: { store: Store }): Promise<Running>;
  /** Made with the extension kit, by name. */
  readonly samples: Readonly<Record<string, () => Promise<ExtensionFunction>>>;
  /** Any function beside the pipeline, by name. */
  startOf(name: string): (() => Promise<Start>) | undefined;
  startHeartbeats(surroundings: FunctionContext): Promise<Stoppable & { readonly done: Promise<void> }>;
  startEventDisplay(surroundings: FunctionContext, write: (line: string) => void): Promise<Running>;
}
