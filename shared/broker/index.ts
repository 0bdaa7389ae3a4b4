/** A broker in this process: reads the same objects as a cluster, filters and delivers as Knative's MT broker does, over real HTTP. */
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Wiring } from './wiring.ts';

export interface LocalBrokerOptions {
  readonly wiring: Wiring;
  /** The URL of a Knative Service by its name, asked for at each delivery; it may throw while the Service is not there yet. */
  readonly urlOf: (serviceName: string) => string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** From 0 up to 1: the ids of ticks and their delays. */
  readonly random: () => number;
  /** Of the ingress; 0, the default, takes a free one. */
  readonly port?: number;
  readonly host?: string;
  /** The Broker that a plain `POST /` goes to; without it that path is not found, as in a cluster. */
  readonly rootBroker?: string;
  /** Whether PingSources run by the clock; default true. `tick` sends one by hand in any case. */
  readonly pings?: boolean;
  readonly bounds?: Partial<BrokerBounds>;
}

export interface BrokerBounds {
  /** Events under way in one Broker, and their bytes; above it the ingress answers 503. */
  readonly eventsMost: number;
  readonly bytesMost: number;
  /** Requests at once to one subscriber; further ones wait. */
  readonly attemptsAtOnce: number;
  /** Requests that one event may cause, replies to replies included. */
  readonly attemptsMost: number;
  /** What an event without `knativebrokerttl` starts with. */
  readonly ttl: number;
  readonly bodyMost: number;
}

export interface LocalBroker {
  readonly port: number;
  /** `http://HOST:PORT/NAMESPACE/BROKER`. The name may be written `namespace/name`. */
  urlOf(brokerName: string): string;
  /** What a SinkBinding gives a Service as K_SINK. */
  sinkOf(serviceName: string): string | undefined;
  /** Sends one event of each PingSource, or of the one named, now. */
  tick(pingSourceName?: string): Promise<void>;
  /** Resolves once nothing is under way: nothing queued, no attempt, no back-off. */
  idle(): Promise<void>;
  /** No new events; what is under way is dropped, as when a dispatcher dies: wait for `idle` first to finish it. */
  stop(): Promise<void>;
}

export declare function createLocalBroker(options: LocalBrokerOptions): Promise<LocalBroker>;
