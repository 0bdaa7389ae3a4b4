/** The objects of a Knative cluster, read from the YAML files of folders; refuses unclear ones. */
import { readObjects } from './kustomize.ts';
import { type ManifestFault, nameOf, type Part, parseObjects, type Source } from './manifest-reader.ts';
import type { Destination, Named, Wiring } from './wiring.ts';
import {
  readApiServerSource,
  readBroker,
  readContainerSource,
  readPingSource,
  readService,
  readSinkBinding,
  readTrigger,
} from './wiring-objects.ts';

/** All faults of the files, one per line. */
export class WiringError extends Error {
  override readonly name = 'WiringError';
  readonly faults: readonly ManifestFault[];

  constructor(faults: readonly ManifestFault[]) {
    super(faults.map(({ place, message }) => `Cannot use ${place}: ${message}`).join('\n'));
    this.faults = faults;
  }
}

const objectsMost = 2_000;

/** The wiring of the folders, as if `kubectl apply -k` had been used on each: later ones may patch the objects of earlier ones. */
export async function readWiring(...folders: readonly (string | Source)[]): Promise<Wiring> {
  const faults: ManifestFault[] = [];
  return wiringOf(await readObjects(folders, faults), faults);
}

export function parseWiring(sources: readonly Source[]): Wiring {
  const faults: ManifestFault[] = [];
  return wiringOf(
    sources.flatMap((source) => parseObjects(source, faults)),
    faults,
  );
}

/** Throws for faults that are there already too, all at once. */
function wiringOf(objects: readonly Part[], faults: ManifestFault[]): Wiring {
  if (objects.length > objectsMost) throw new WiringError([{ place: 'the files', message: `wanted at most ${objectsMost} objects` }]);
  refuseTwice(objects, faults);
  const of = (group: string, kind: string) =>
    objects.filter((object) => object.get('kind').value === kind && String(object.get('apiVersion').value).startsWith(`${group}/`));
  const brokers = of('eventing.knative.dev', 'Broker').map(readBroker);
  const wiring: Wiring = {
    brokers,
    triggers: of('eventing.knative.dev', 'Trigger').map((part) => readTrigger(part, brokers)),
    sinkBindings: of('sources.knative.dev', 'SinkBinding').map(readSinkBinding),
    apiServerSources: of('sources.knative.dev', 'ApiServerSource').map(readApiServerSource),
    pingSources: of('sources.knative.dev', 'PingSource').map(readPingSource),
    containerSources: of('sources.knative.dev', 'ContainerSource').map(readContainerSource),
    services: [...of('serving.knative.dev', 'Service'), ...of('apps', 'Deployment')].map(readService),
  };
  faults.push(...danglingIn(wiring));
  if (faults.length > 0) throw new WiringError(faults);
  return wiring;
}

function refuseTwice(objects: readonly Part[], faults: ManifestFault[]): void {
  const seen = new Set<string>();
  for (const object of objects) {
    const key = `${object.get('apiVersion').text('')} ${object.get('kind').text('')} ${nameOf(object)}`;
    if (seen.has(key)) faults.push({ place: nameOf(object), message: `wanted each object once, found a second ${key}` });
    seen.add(key);
  }
}

/** References to Brokers and Services that are not in the files. */
function danglingIn(wiring: Wiring): ManifestFault[] {
  const known = (all: readonly Named[], { namespace, name }: Named) =>
    all.some((other) => other.namespace === namespace && other.name === name);
  const lost = (to: Destination | null) =>
    to !== null && to.kind !== 'uri' && !known(to.kind === 'broker' ? wiring.brokers : wiring.services, to);
  const faults: ManifestFault[] = [];
  const check = (kind: string, from: Named, field: string, to: Destination | null) => {
    if (!lost(to) || to === null || to.kind === 'uri') return;
    const message = `wanted a ${to.kind === 'broker' ? 'Broker' : 'Knative Service'} of the files, found '${to.namespace}/${to.name}'`;
    faults.push({ place: `${kind} ${from.namespace}/${from.name}, ${field}`, message });
  };
  for (const broker of wiring.brokers) check('Broker', broker, 'spec.delivery.deadLetterSink', broker.delivery.deadLetterSink);
  for (const trigger of wiring.triggers) {
    check('Trigger', trigger, 'spec.broker', { kind: 'broker', namespace: trigger.namespace, name: trigger.broker });
    check('Trigger', trigger, 'spec.subscriber', trigger.subscriber);
    check('Trigger', trigger, 'spec.delivery.deadLetterSink', trigger.delivery.deadLetterSink);
  }
  for (const binding of wiring.sinkBindings) check('SinkBinding', binding, 'spec.sink', binding.sink);
  for (const source of wiring.apiServerSources) check('ApiServerSource', source, 'spec.sink', source.sink);
  for (const source of wiring.pingSources) check('PingSource', source, 'spec.sink', source.sink);
  for (const source of wiring.containerSources) check('ContainerSource', source, 'spec.sink', source.sink);
  return faults;
}
