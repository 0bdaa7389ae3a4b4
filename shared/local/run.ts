/** What the command line needs of a local run, the whole pipeline in one process: the role. `functions/local.ts` plays it. */
import type { Clock } from '../runtime/clock.ts';
import type { Environment } from '../runtime/config.ts';
import type { LogLevel } from '../runtime/log.ts';
import type { Segment } from '../spans/span.ts';
import type { Figures } from '../store/store.ts';

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
  /** Without it segments are only exported. */
  readonly onSegment?: (segment: Segment) => Promise<void>;
  /** Sends segments to the OpenTelemetry backend that the environment names. */
  readonly exports: boolean;
  /** Lists a live cluster for missed Events; else the tick only sweeps. */
  readonly reconciles: boolean;
  /** Sweeps and ticks by the clock; false where who moves the clock does it. */
  readonly beats: boolean;
}

export interface LocalRun {
  /** `POST` CloudEvents here: the Broker `events`. */
  readonly url: string;
  /** What was sent so far has been delivered when it resolves. */
  delivered(): Promise<void>;
  /** All that is due by the clock is routed, decided and delivered when it resolves. */
  settle(): Promise<void>;
  figures(): Promise<Figures>;
  close(): Promise<void>;
}

export interface LocalFunctions {
  startLocal(options: LocalOptions): Promise<LocalRun>;
}
