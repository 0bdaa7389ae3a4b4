/** A local broker over YAML, with subscribers behind it, for tests; what it starts it stops. */
import { createLocalBroker, type LocalBroker, type LocalBrokerOptions } from '../../shared/dev-broker/index.ts';
import { parseWiring } from '../../shared/dev-broker/read-wiring.ts';
import { Log } from '../../shared/process/log.ts';
import { Metrics } from '../../shared/process/metrics.ts';
import { PacedClock } from './paced-clock.ts';
import { type Answering, Subscriber } from './subscriber.ts';

export interface TriggerFields {
  readonly name?: string;
  readonly broker?: string;
  readonly filters?: readonly unknown[];
  readonly filter?: unknown;
  readonly subscriber?: string;
  readonly delivery?: unknown;
}

export interface Setting {
  readonly subscribers?: Readonly<Record<string, Answering | undefined>>;
  readonly triggers?: readonly TriggerFields[];
  readonly isAsync?: boolean;
  readonly delivery?: unknown;
  readonly options?: Partial<LocalBrokerOptions>;
}

export interface Stage {
  readonly broker: LocalBroker;
  readonly clock: PacedClock;
  readonly url: string;
  readonly log: readonly string[];
  readonly metrics: Metrics;
  subscriber(name: string): Subscriber;
  send(attributes?: Readonly<Record<string, string>>, body?: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const serviceRef = (name: string) => ({ ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name } });

function object(apiVersion: string, kind: string, name: string, spec: unknown, annotations: unknown = {}): { file: string; text: string } {
  return {
    file: `${kind}-${name}.yaml`,
    text: JSON.stringify({ apiVersion, kind, metadata: { name, namespace: 'test', annotations }, spec }),
  };
}

/** One Broker named `default` in namespace `test`, one Trigger to `subscriber` that takes all unless told otherwise. */
export async function stage(setting: Setting = {}): Promise<Stage> {
  const subscribers = new Map<string, Subscriber>();
  for (const [name, answering] of Object.entries(setting.subscribers ?? { subscriber: undefined }))
    subscribers.set(name, await Subscriber.start(answering));
  const subscriber = (name: string) => {
    const found = subscribers.get(name);
    if (found === undefined) throw new Error(`no subscriber ${name}`);
    return found;
  };
  const annotations = setting.isAsync ? { 'messaging.knative.dev/async-handler': 'true' } : {};
  const triggers = (setting.triggers ?? [{}]).map(({ subscriber: to = 'subscriber', name = to, broker = 'default', ...spec }) =>
    object('eventing.knative.dev/v1', 'Trigger', name, { broker, subscriber: serviceRef(to), delivery: {}, ...spec }),
  );
  const service = { template: { spec: { containers: [{ image: 'x' }] } } };
  const wiring = parseWiring([
    object('eventing.knative.dev/v1', 'Broker', 'default', { delivery: setting.delivery ?? {} }, annotations),
    ...triggers,
    ...[...subscribers.keys()].map((name) => object('serving.knative.dev/v1', 'Service', name, service)),
  ]);
  const clock = new PacedClock();
  const lines: string[] = [];
  const log = new Log({ function: 'broker', clock, write: (line) => lines.push(line) });
  const metrics = new Metrics();
  const urlOf = (name: string) => subscriber(name).url;
  const stopAll = async () => {
    for (const one of subscribers.values()) await one.stop();
  };
  const broker = await createLocalBroker({ wiring, urlOf, log, metrics, clock, random: () => 0.5, ...setting.options }).catch(
    async (error: unknown) => {
      await stopAll();
      throw error;
    },
  );
  const url = broker.urlOf('default');
  return {
    broker,
    clock,
    url,
    log: lines,
    metrics,
    subscriber,
    send: (attributes, body = '{"a":1}', headers = {}) =>
      fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...eventHeaders(attributes), ...headers }, body }),
    [Symbol.asyncDispose]: async () => {
      await broker.stop();
      await stopAll();
    },
  };
}

export function eventHeaders(attributes: Readonly<Record<string, string>> = {}): Record<string, string> {
  const all = { specversion: '1.0', id: '1', source: '/mysource', type: 'com.example.someevent', ...attributes };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [`ce-${name}`, value]));
}
