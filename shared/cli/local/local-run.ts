/**
 * The interface of a local run: the whole pipeline in one process, its options and its functions. Nothing in shared/ imports a function:
 * `functions/main.ts` passes them in.
 */

import type { CompiledRules } from '../../correlation/rules/match.ts';
import type { Source } from '../../dev-broker/manifest-reader.ts';
import type { ExtensionFunction, Given } from '../../extension/definition.ts';
import type { OpenedDatabase } from '../../history/open.ts';
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
  /** Port of the ingress; 0: any free port. */
  readonly port: number;
  readonly host: string;
  readonly correlators: number;
  /** Absent: the correlators read KNSPAN_RULES. */
  readonly rules?: CompiledRules;
  /** Without it segments are only exported. */
  readonly onSegment?: (segment: Segment) => Promise<void>;
  /** Send segments to the OpenTelemetry backend of the environment. */
  readonly exports: boolean;
  /** List a live cluster for missed Events; else ticks only sweep. */
  readonly reconciles: boolean;
  /** Sweep and tick by the clock; false: the caller does, with a manual clock. */
  readonly beats: boolean;
  /** Keeps the history of Events and traces there, and shows it as a web page at the address of the ingress; closed by the caller. */
  readonly history?: OpenedDatabase;
  /** Of the store in memory, from a clean stop to the next start. Absent: it is lost with the process. */
  readonly pendingFile?: string;
  /** Overlays beside the base: names, or folders with manifests and a function. Without any, no extension runs. */
  readonly overlays?: readonly string[];
  readonly trial?: Trial;
}

/** A function under test: replaces what its Service would run. */
export interface Trial extends Given {
  readonly extension: ExtensionFunction;
  /** Its generated manifests, if its folder has none. */
  readonly manifests: readonly Source[];
}

export interface LocalRun {
  /** `POST` CloudEvents here: the Broker `events`. */
  readonly url: string;
  /** Resolves when everything sent so far is delivered. */
  delivered(): Promise<void>;
  /** Resolves when all work due by the clock is routed, decided and delivered. */
  settle(): Promise<void>;
  figures(): Promise<StoreSizes>;
  close(): Promise<void>;
}

/** The result of `knspan demo heartbeats`. */
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
  /** Resolves when nothing is due and all decisions are sent or postponed. */
  sweep(): Promise<void>;
}

/** The functions of a local run, loaded on demand. */
export interface LocalFunctions {
  startCorrelator(
    context: FunctionContext,
    given: { store: Store; beats: boolean; cluster?: string; rules?: CompiledRules },
  ): Promise<LocalCorrelator>;
  startExporter(surroundings: FunctionContext): Promise<Running>;
  startReconciler(surroundings: FunctionContext, given: { store: Store }): Promise<Running>;
  /** The web page; closes when it is told to, the database stays open. */
  startExplorer(surroundings: FunctionContext, given: { opened: OpenedDatabase }): Promise<Running>;
  startHistory(
    surroundings: FunctionContext,
    given: { opened: OpenedDatabase; store: Store; cluster?: string; rules?: CompiledRules },
  ): Promise<Running>;
  /** Made with the extension kit, by name. */
  readonly samples: Readonly<Record<string, () => Promise<ExtensionFunction>>>;
  /** Any function beside the pipeline, by name. */
  startOf(name: string): (() => Promise<Start>) | undefined;
  startHeartbeats(surroundings: FunctionContext): Promise<Stoppable & { readonly done: Promise<void> }>;
  startEventDisplay(surroundings: FunctionContext, write: (line: string) => void): Promise<Running>;
}
