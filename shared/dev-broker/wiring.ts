/** The parts of a Knative cluster's objects that a local broker needs. `read-wiring.ts` reads them from files. */
import type { Cron } from './cron.ts';
import type { Filter } from './filters.ts';

export interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** Destination of an event: a Service by its name and a path at it, a Broker, or an address. */
export type Destination =
  | (Named & { readonly kind: 'service'; readonly path: string })
  | (Named & { readonly kind: 'broker' })
  | { readonly kind: 'uri'; readonly uri: string };

export interface Delivery {
  /** Attempts after the first. */
  readonly retry: number;
  readonly backoffPolicy: 'exponential' | 'linear';
  readonly backoffDelayMs: number;
  /** Per attempt; null: only the bound of the whole delivery. */
  readonly timeoutMs: number | null;
  readonly deadLetterSink: Destination | null;
  /** null: Retry-After is ignored. */
  readonly retryAfterMaxMs: number | null;
  readonly format: 'binary' | 'json';
}

export interface BrokerSpec extends Named {
  /** Answers before its Triggers have delivered (annotation messaging.knative.dev/async-handler). */
  readonly isAsync: boolean;
  readonly delivery: Delivery;
}

export interface Trigger extends Named {
  readonly broker: string;
  readonly filter: Filter;
  readonly subscriber: Destination;
  /** Its own as a whole, or else its Broker's. */
  readonly delivery: Delivery;
}

/** Sets the environment variable K_SINK of its subject. */
export interface SinkBinding extends Named {
  readonly subject: { readonly apiVersion: string; readonly kind: string; readonly name: string };
  readonly sink: Destination;
}

export interface ApiServerSource extends Named {
  readonly mode: 'Reference' | 'Resource';
  readonly resources: readonly { readonly apiVersion: string; readonly kind: string }[];
  readonly allNamespaces: boolean;
  readonly serviceAccountName: string;
  readonly sink: Destination;
}

export interface PingSource extends Named {
  readonly schedule: Cron;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly sink: Destination;
}

/** A container; its first argument names the function. */
export interface Contained extends Named {
  readonly image: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export type KnativeService = Contained;

export interface ContainerSource extends Contained {
  readonly sink: Destination;
}

export interface Wiring {
  readonly brokers: readonly BrokerSpec[];
  readonly triggers: readonly Trigger[];
  readonly sinkBindings: readonly SinkBinding[];
  readonly apiServerSources: readonly ApiServerSource[];
  readonly pingSources: readonly PingSource[];
  readonly containerSources: readonly ContainerSource[];
  readonly services: readonly KnativeService[];
}

/** K_SINK of a Service (or of the Deployment behind it), as a SinkBinding sets it. */
export function sinkOf(wiring: Wiring, serviceName: string): Destination | undefined {
  return wiring.sinkBindings.find(({ subject }) => subject.name === serviceName)?.sink;
}
