/** One object of each kind -> what the broker needs of it. Fields that only a cluster needs are ignored. */
import { parseCron } from './cron.ts';
import { readFilter } from './filters.ts';
import type { Part } from './manifest-reader.ts';
import type {
  ApiServerSource,
  BrokerSpec,
  Contained,
  ContainerSource,
  Delivery,
  Destination,
  Named,
  PingSource,
  SinkBinding,
  Trigger,
} from './wiring.ts';

const asyncHandler = 'messaging.knative.dev/async-handler';
const retryMost = 1_000;

/** Knative's webhook sets it for a Broker without `delivery`. */
const brokerDefault: Delivery = {
  retry: 10,
  backoffPolicy: 'exponential',
  backoffDelayMs: 200,
  timeoutMs: null,
  deadLetterSink: null,
  retryAfterMaxMs: null,
  format: 'binary',
};

export function readBroker(object: Part): BrokerSpec {
  const named = readNamed(object);
  const spec = object.get('spec');
  spec.only(['config', 'delivery']);
  const isAsync = object.get('metadata').get('annotations').get(asyncHandler).choice(['true', 'false'], 'false') === 'true';
  return { ...named, isAsync, delivery: spec.get('delivery').exists ? readDelivery(spec.get('delivery'), named.namespace) : brokerDefault };
}

export function readTrigger(object: Part, brokers: readonly BrokerSpec[]): Trigger {
  const named = readNamed(object);
  const spec = object.get('spec');
  spec.only(['broker', 'filter', 'filters', 'subscriber', 'delivery']);
  const brokerName = spec.get('broker').text();
  const broker = brokers.find(({ namespace, name }) => namespace === named.namespace && name === brokerName);
  const inherited = broker?.delivery ?? brokerDefault;
  const own = spec.get('delivery').exists ? readDelivery(spec.get('delivery'), named.namespace) : inherited;
  return {
    ...named,
    broker: brokerName,
    filter: readFilter(spec),
    subscriber: readDestination(spec.get('subscriber'), named.namespace),
    delivery: { ...own, deadLetterSink: own.deadLetterSink ?? inherited.deadLetterSink },
  };
}

export function readSinkBinding(object: Part): SinkBinding {
  const named = readNamed(object);
  const spec = object.get('spec');
  const subject = spec.get('subject');
  return {
    ...named,
    subject: { apiVersion: subject.get('apiVersion').text(), kind: subject.get('kind').text(), name: subject.get('name').text() },
    sink: readDestination(spec.get('sink'), named.namespace),
  };
}

export function readApiServerSource(object: Part): ApiServerSource {
  const named = readNamed(object);
  const spec = object.get('spec');
  const resources = spec.get('resources');
  if (resources.list().length === 0) resources.wanted('a list of resources');
  const selector = spec.get('namespaceSelector');
  return {
    ...named,
    mode: spec.get('mode').choice(['Reference', 'Resource'], 'Reference'),
    resources: resources.list().map((one) => ({ apiVersion: one.get('apiVersion').text(), kind: one.get('kind').text() })),
    allNamespaces: selector.exists && selector.entries().length === 0,
    serviceAccountName: spec.get('serviceAccountName').text('default'),
    sink: readDestination(spec.get('sink'), named.namespace),
  };
}

export function readPingSource(object: Part): PingSource {
  const named = readNamed(object);
  const spec = object.get('spec');
  spec.only(['schedule', 'timezone', 'contentType', 'data', 'dataBase64', 'sink', 'ceOverrides']);
  const schedule = parseCron(spec.get('schedule').text(), spec.get('timezone').text('UTC'));
  if (!schedule.ok) spec.get('schedule').refuse(schedule.reason);
  const base64 = spec.get('dataBase64').text('');
  return {
    ...named,
    schedule: schedule.ok ? schedule.value : { next: () => null },
    contentType: spec.get('contentType').text(''),
    data: base64 === '' ? Buffer.from(spec.get('data').text('')) : Buffer.from(base64, 'base64'),
    sink: readDestination(spec.get('sink'), named.namespace),
  };
}

export function readContainerSource(object: Part): ContainerSource {
  const contained = readService(object);
  return { ...contained, sink: readDestination(object.get('spec').get('sink'), contained.namespace) };
}

/** A Knative Service, or a Deployment behind the Service of its name. */
export function readService(object: Part): Contained {
  const containers = object.get('spec').get('template').get('spec').get('containers');
  const [container, ...others] = containers.list();
  if (container === undefined || others.length > 0) containers.wanted('a list of one container');
  const args = container?.get('args').list() ?? [];
  const env = container?.get('env').list() ?? [];
  return {
    ...readNamed(object),
    image: container?.get('image').text() ?? '',
    args: args.map((arg) => arg.text()),
    environment: Object.fromEntries(env.map((one) => [one.get('name').text(), one.get('value').text('')])),
  };
}

function readNamed(object: Part): Named {
  const metadata = object.get('metadata');
  return { namespace: metadata.get('namespace').text('default'), name: metadata.get('name').text() };
}

/** `ref`, `uri` or both: then `uri` is relative to the address of `ref`. */
function readDestination(part: Part, namespace: string): Destination {
  part.only(['ref', 'uri']);
  const ref = part.get('ref');
  const uri = part.get('uri').text('');
  if (!ref.exists) {
    if (!URL.canParse(uri) || !/^https?:/.test(uri)) part.wanted("a 'ref', or a 'uri' that begins with http:// or https://");
    return { kind: 'uri', uri };
  }
  ref.only(['apiVersion', 'kind', 'name', 'namespace']);
  const named = { namespace: ref.get('namespace').text(namespace), name: ref.get('name').text() };
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(uri)) part.get('uri').wanted("a path beside 'ref'");
  const kind = ref.get('kind').choice(['Service', 'Broker'], 'Service');
  const group = kind === 'Service' ? ['serving.knative.dev/v1', 'v1'] : ['eventing.knative.dev/v1'];
  ref.get('apiVersion').choice(group, group[0] ?? '');
  return kind === 'Broker' ? { kind: 'broker', ...named } : { kind: 'service', ...named, path: uri };
}

function readDelivery(part: Part, namespace: string): Delivery {
  part.only(['retry', 'backoffPolicy', 'backoffDelay', 'timeout', 'deadLetterSink', 'retryAfterMax', 'format']);
  const sink = part.get('deadLetterSink');
  const timeout = readDuration(part.get('timeout'));
  if (timeout === 0) part.get('timeout').wanted('a duration above 0');
  return {
    retry: part.get('retry').whole(0, retryMost, 0),
    backoffPolicy: part.get('backoffPolicy').choice(['exponential', 'linear'], 'exponential'),
    backoffDelayMs: readDuration(part.get('backoffDelay')) ?? 0,
    timeoutMs: timeout,
    deadLetterSink: sink.exists ? readDestination(sink, namespace) : null,
    retryAfterMaxMs: readDuration(part.get('retryAfterMax')),
    format: part.get('format').choice(['binary', 'json'], 'binary'),
  };
}

function readDuration(part: Part): number | null {
  if (!part.exists) return null;
  const ms = parseDuration(part.text());
  if (ms === null) part.wanted('an ISO 8601 duration such as PT0.5S');
  return ms;
}

const durationParts = /^P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const durationUnits = [7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000];

/** ISO 8601 -> milliseconds; null if it is not one. Years and months are refused since their lengths vary. */
export function parseDuration(text: string): number | null {
  const found = text.length > 60 || /[PT]$/.test(text) ? null : durationParts.exec(text);
  if (found === null) return null;
  return Math.round(durationUnits.reduce((sum, unit, index) => sum + Number(found[index + 1] ?? 0) * unit, 0));
}
