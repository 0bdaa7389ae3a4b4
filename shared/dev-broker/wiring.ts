/** What a local broker is built from: the objects of a Knative cluster, as far as it needs them. `read-wiring.ts` reads them from files. */
import type { Cron } from './cron.ts';
import type { Filter } from './filters.ts';

export interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** Where an event goes. A Service is known by its name; what it is called by stands in `path`. */
export type Destination =
  | (Named & { readonly kind: 'service'; readonly path: string })
  | (Named & { readonly kind: 'broker' })
  | { readonly kind: 'uri'; readonly uri: string };

export interface Delivery {
  /** Attempts after the first. */
  readonly retry: number;
  readonly backoffPolicy: 'exponential' | 'linear';
  readonly backoffDelayMs: number;
  /** Of one attempt; null: only the bound of the whole delivery. */
  readonly timeoutMs: number | null;
  readonly deadLetterSink: Destination | null;
  /** null: a Retry-After is not heeded. */
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
  /** Its own as a whole or else its Broker's. */
  readonly delivery: Delivery;
}

/** Gives its subject the environment variable K_SINK. */
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
  readonly data: Buffer;
  readonly sink: Destination;
}

/** What runs in a container; the first argument names the function. */
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

/** What a SinkBinding gives a Service as K_SINK. */
export function sinkOf(wiring: Wiring, serviceName: string): Destination | undefined {
  return wiring.sinkBindings.find(({ subject }) => subject.kind === 'Service' && subject.name === serviceName)?.sink;
}
