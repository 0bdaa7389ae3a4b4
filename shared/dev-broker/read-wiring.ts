/** The objects of a Knative cluster, read from the YAML files of folders; refuses what is not clear. */
import { parseAllDocuments } from 'yaml';
import { isJson } from '../events/json.ts';
import { messageOf } from '../process/log.ts';
import { type Files, filesIn, patched, type Source } from './kustomize.ts';
import { type ManifestFault, Part } from './manifest-reader.ts';
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

/** All that is wrong with the files, a line each. */
export class WiringError extends Error {
  override readonly name = 'WiringError';
  readonly faults: readonly ManifestFault[];

  constructor(faults: readonly ManifestFault[]) {
    super(faults.map(({ place, message }) => `Cannot use ${place}: ${message}`).join('\n'));
    this.faults = faults;
  }
}

const bytesMost = 1024 * 1024;
const objectsMost = 2_000;

/** The YAML files of the folders, each as `kubectl apply -k` would take it: later ones may patch the objects of those before. */
export async function readWiring(...folders: readonly (string | Source)[]): Promise<Wiring> {
  const faults: ManifestFault[] = [];
  const files: Files[] = [];
  for (const folder of folders)
    files.push(typeof folder === 'string' ? await filesIn(folder, faults) : { resources: [folder], patches: [] });
  if (faults.length > 0) throw new WiringError(faults);
  return parseWiring(
    files.flatMap(({ resources }) => resources),
    files.flatMap(({ patches }) => patches),
  );
}

export function parseWiring(sources: readonly Source[], patches: readonly Source[] = []): Wiring {
  const faults: ManifestFault[] = [];
  const read = (source: Source) => objectsOf(source, faults);
  const objects = patched(sources.flatMap(read), patches.flatMap(read));
  if (objects.length > objectsMost) throw new WiringError([{ place: 'the files', message: `wanted at most ${objectsMost} objects` }]);
  refuseTwice(objects, faults);
  const of = (group: string, kind: string) =>
    objects.filter(({ value }) => isJson(value) && value['kind'] === kind && String(value['apiVersion']).startsWith(`${group}/`));
  const brokers = of('eventing.knative.dev', 'Broker').map(readBroker);
  const wiring: Wiring = {
    brokers,
    triggers: of('eventing.knative.dev', 'Trigger').map((part) => readTrigger(part, brokers)),
    sinkBindings: of('sources.knative.dev', 'SinkBinding').map(readSinkBinding),
    apiServerSources: of('sources.knative.dev', 'ApiServerSource').map(readApiServerSource),
    pingSources: of('sources.knative.dev', 'PingSource').map(readPingSource),
    containerSources: of('sources.knative.dev', 'ContainerSource').map(readContainerSource),
    services: of('serving.knative.dev', 'Service').map(readService),
  };
  faults.push(...danglingIn(wiring));
  if (faults.length > 0) throw new WiringError(faults);
  return wiring;
}

function objectsOf(source: Source, faults: ManifestFault[]): Part[] {
  if (source.text.length > bytesMost) {
    faults.push({ place: source.file, message: `wanted at most ${bytesMost} characters, found ${source.text.length}` });
    return [];
  }
  const documents = parseAllDocuments(source.text);
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document, index) => {
    const place = `${source.file}, document ${index + 1}`;
    const [error] = document.errors;
    if (error !== undefined) {
      faults.push({ place, message: `wanted YAML, found: ${error.message.split('\n', 1).join('')}` });
      return [];
    }
    const value = plain(document.toJS.bind(document), place, faults);
    if (!isJson(value)) {
      if (value !== null && value !== undefined) faults.push({ place, message: 'wanted a Kubernetes object' });
      return [];
    }
    const kind = typeof value['kind'] === 'string' ? value['kind'] : '';
    if (kind === '') faults.push({ place, message: "wanted a Kubernetes object with a 'kind'" });
    return [new Part(value, `${source.file}, ${kind} ${labelOf(value)}`, faults)];
  });
}

/** Aliases may multiply: the library bounds them by throwing. */
function plain(toJs: (options: { maxAliasCount: number }) => unknown, place: string, faults: ManifestFault[]): unknown {
  try {
    return toJs({ maxAliasCount: 100 });
  } catch (error) {
    faults.push({ place, message: messageOf(error) });
    return null;
  }
}

function labelOf(object: unknown): string {
  const metadata = new Part(object, '', []).get('metadata');
  const namespace = metadata.get('namespace').text('');
  return `${namespace === '' ? '' : `${namespace}/`}${metadata.get('name').text('?')}`;
}

function refuseTwice(objects: readonly Part[], faults: ManifestFault[]): void {
  const seen = new Set<string>();
  for (const object of objects) {
    const key = `${object.get('apiVersion').text('')} ${object.get('kind').text('')} ${labelOf(object.value)}`;
    if (seen.has(key)) faults.push({ place: labelOf(object.value), message: `wanted each object once, found a second ${key}` });
    seen.add(key);
  }
}

/** Every reference leads to an object that is there. */
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
