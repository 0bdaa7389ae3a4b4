/** The manifests of an extension, from its definition: SinkBinding, Service, and a Trigger for each Broker of its types. */
import { stringify } from 'yaml';
import type { ExtensionFunction } from '../../extension/definition.ts';
import { eventTypes, missedType } from '../../process/event-selection.ts';

type Manifest = Readonly<Record<string, unknown>>;
type Named = Pick<ExtensionFunction, 'name' | 'types'>;

const namespace = 'knspan';
const scale = { 'autoscaling.knative.dev/min-scale': '0', 'autoscaling.knative.dev/max-scale': '10' };
const security = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

/** YAML for `kubectl apply -f -`; `args` are the container's. */
export function manifestsOf(extension: Named, image: string, args: readonly string[] = []): string {
  // The SinkBinding comes first: a function that starts before it starts without K_SINK, then again with it.
  const all = [bindingOf(extension), serviceOf(extension.name, image, args), ...triggersOf(extension)];
  return all.map((one) => stringify(one, { aliasDuplicateObjects: false })).join('---\n');
}

export function triggersOf({ name, types }: Named): Manifest[] {
  return [...Map.groupBy(types, brokerOf)].map(([broker, some]) => ({
    apiVersion: 'eventing.knative.dev/v1',
    kind: 'Trigger',
    metadata: { name: `${name}-${broker}`, namespace },
    spec: {
      broker,
      filters: filtersOf(some),
      subscriber: { ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name } },
      delivery: {
        retry: 2,
        backoffPolicy: 'exponential',
        backoffDelay: 'PT0.2S',
        timeout: 'PT5S',
        deadLetterSink: {
          ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'reconciler' },
          uri: `/dead-letters/${name}`,
        },
      },
    },
  }));
}

/** Excludes the Events of knspan's own pods: they would wake the function forever. */
function filtersOf(types: readonly string[]): Manifest[] {
  const exact = types.map((type) => ({ exact: { type } }));
  const [first, ...more] = exact;
  const chosen = first === undefined ? [] : more.length === 0 ? [first] : [{ any: exact }];
  const brings = types.some((type) => eventTypes.includes(type));
  return brings ? [...chosen, { exact: { kind: 'Event' } }, { not: { exact: { namespace } } }] : chosen;
}

function brokerOf(type: string): 'events' | 'traces' {
  return type.startsWith('dev.knative.') || type === missedType ? 'events' : 'traces';
}

export function serviceOf(name: string, image: string, args: readonly string[] = []): Manifest {
  const health = (path: string) => ({ httpGet: { path: `/health/${path}` } });
  const container = {
    image,
    ...(args.length > 0 ? { args } : {}),
    envFrom: [{ configMapRef: { name: 'knspan' } }],
    ports: [{ containerPort: 8080 }],
    livenessProbe: health('liveness'),
    readinessProbe: health('readiness'),
    resources: { requests: { cpu: '25m', memory: '64Mi' }, limits: { cpu: '1', memory: '192Mi' } },
    securityContext: security,
  };
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name, namespace, labels: { 'networking.knative.dev/visibility': 'cluster-local' } },
    spec: {
      template: {
        metadata: { annotations: { ...scale, 'autoscaling.knative.dev/window': '6s' } },
        spec: { serviceAccountName: 'extension', containerConcurrency: 50, timeoutSeconds: 60, containers: [container] },
      },
    },
  };
}

function bindingOf({ name, types }: Named): Manifest {
  const broker = brokerOf(types[0] ?? '');
  return {
    apiVersion: 'sources.knative.dev/v1',
    kind: 'SinkBinding',
    metadata: { name, namespace },
    spec: {
      subject: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name },
      sink: { ref: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: broker } },
    },
  };
}
