/** A broker in this process: reads the same objects as a cluster, filters and delivers like Knative's MT broker, over real HTTP. */

import type { Clock } from '../process/clock.ts';
import type { Log } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import { Broker, type BrokerBounds, defaultBounds, keyOf } from './broker.ts';
import { Poster } from './http-client.ts';
import { startIngress } from './ingress.ts';
import { type PingOptions, runPingSource, sendPing } from './ping-source.ts';
import { type Destination, sinkOf, type Wiring } from './wiring.ts';

export interface LocalBrokerOptions {
  readonly wiring: Wiring;
  /** The URL of a Knative Service by its name, called for each delivery; may throw while the Service does not run yet. */
  readonly urlOf: (serviceName: string) => string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** In [0, 1): for ids of ticks and their jitter. */
  readonly random: () => number;
  /** Of the ingress; default 0: any free port. */
  readonly port?: number;
  /** Default: loopback. */
  readonly host?: string;
  /** The Broker for `POST /`; without it that path is not found, as in a cluster. */
  readonly rootBroker?: string;
  /** URL of a web page for requests that are no CloudEvents; null: there is none. */
  readonly page?: () => string | null;
  /** URL of a function that takes another protocol at this path of the ingress; default: none does. */
  readonly functionAt?: (path: string) => string | null;
  /** Whether PingSources run by their schedules; default true. `tick` works in any case. */
  readonly pings?: boolean;
  readonly bounds?: Partial<BrokerBounds>;
}

export interface LocalBroker {
  readonly port: number;
  /** `http://HOST:PORT/NAMESPACE/BROKER`. The name may be written `namespace/name`. */
  urlOf(brokerName: string): string;
  /** K_SINK of a Service, as a SinkBinding sets it. */
  sinkOf(serviceName: string): string | undefined;
  /** Sends one event of each PingSource, or of the one named, now. */
  tick(pingSourceName?: string): Promise<void>;
  /** Resolves once no delivery is in progress: nothing queued, no attempt, no pause before one. */
  idle(): Promise<void>;
  /** Refuses new events and drops deliveries in progress, like a dispatcher that dies; wait for `idle` first to finish them. */
  stop(): Promise<void>;
}

export async function createLocalBroker(options: LocalBrokerOptions): Promise<LocalBroker> {
  const { wiring, clock, log, metrics, random } = options;
  const host = options.host ?? '127.0.0.1';
  const bounds = { ...defaultBounds, ...options.bounds };
  const stopped = new AbortController();
  const { signal } = stopped;
  const poster = new Poster();
  let port = 0;
  const brokerUrl = (name: string) => `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}/${brokerKey(wiring, name)}`;
  const urlOf = (destination: Destination): string => {
    if (destination.kind === 'uri') return destination.uri;
    if (destination.kind === 'broker') return brokerUrl(keyOf(destination));
    const url = options.urlOf(destination.name);
    return destination.path === '' ? url : new URL(destination.path, url).href;
  };
  const brokers = new Broker({ wiring, clock, log, metrics, poster, signal, bounds, urlOf });
  const rootBroker = options.rootBroker === undefined ? null : brokerKey(wiring, options.rootBroker);
  const ingress = await startIngress({
    brokers,
    log,
    port: options.port ?? 0,
    host,
    rootBroker,
    page: options.page ?? (() => null),
    functionAt: options.functionAt ?? (() => null),
    bodyMost: bounds.bodyMost,
  });
  port = ingress.port;
  const pings: PingOptions = { clock, random, log, poster, signal, urlOf };
  if (options.pings ?? true) for (const source of wiring.pingSources) void runPingSource(source, pings);
  log.info('broker listening', { port, brokers: wiring.brokers.length, triggers: wiring.triggers.length });
  return {
    port,
    urlOf: brokerUrl,
    sinkOf: (serviceName) => {
      const sink = sinkOf(wiring, serviceName);
      return sink === undefined ? undefined : urlOf(sink);
    },
    tick: async (name) => {
      const due = wiring.pingSources.filter((source) => name === undefined || source.name === name);
      await Promise.all(due.map((source) => sendPing(source, pings)));
    },
    idle: () => brokers.idle(),
    stop: async () => {
      stopped.abort(new Error('the broker has stopped'));
      await brokers.idle();
      await ingress.close();
      poster.close();
    },
  };
}

function brokerKey(wiring: Wiring, name: string): string {
  const found = wiring.brokers.filter((broker) => broker.name === name || keyOf(broker) === name);
  const [broker] = found;
  if (broker !== undefined && found.length === 1) return keyOf(broker);
  const known = wiring.brokers.map(keyOf).join(', ');
  throw new RangeError(`Cannot find the Broker '${name}': wanted one of ${known === '' ? 'none at all' : known}`);
}
