/** knspan on the cluster, installed and removed by overlay as a user does. Additions of tests are in overlays of their own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { buildImage, type Image, top } from './image.ts';
import { apply, kubectl, list, names, tryKubectl, until } from './kubectl.ts';

export const home = 'knspan';
export const functionNames = ['correlator', 'exporter', 'reconciler'] as const;
/** Often: a test waits for nothing but what is due. */
export const testSchedule = '*/20 * * * * *';
export const workloadImage = process.env['KNSPAN_E2E_IMAGE'] ?? 'localhost/busybox:1';
/** By what a function runs, and the label of its pods that names it. */
const runsBy = {
  ksvc: {
    label: 'serving.knative.dev/service',
    container: () => 'user-container',
    target: { group: 'serving.knative.dev', kind: 'Service' },
  },
  deployment: {
    label: 'app.kubernetes.io/name',
    container: (name: string) => name,
    target: { kind: 'Deployment', name: functionNames.join('|') },
  },
} as const;
const readyWithinMs = 180_000;
const goneWithinMs = 300_000;
const volumePath = '/tmp/knspan-e2e-redis';
const volumePod = ['-n', 'default', 'pod/knspan-e2e-volume'];

/** Redis, Jaeger and Collector of the overlays, or what a cluster without a way out has in their place. */
function otherImages(): object[] {
  const localImageOf = (name: string) => {
    const path = 'jsonpath={.spec.template.spec.containers[0].image}';
    const found = tryKubectl('-n', 'observability', 'get', `deployment/${name}`, '-o', path);
    return found.startsWith('localhost/') ? found : '';
  };
  const jaegerHere = localImageOf('jaeger');
  const redis = process.env['KNSPAN_E2E_REDIS_IMAGE'] ?? (jaegerHere === '' ? '' : 'localhost/redis:7');
  const jaeger = process.env['KNSPAN_E2E_JAEGER_IMAGE'] ?? jaegerHere;
  const collector = process.env['KNSPAN_E2E_COLLECTOR_IMAGE'] ?? localImageOf('otel-collector');
  const replaced = (name: string, by: string) => {
    const [, newName, newTag] = /^(.*):([^:/]+)$/.exec(by) ?? [];
    return newName === undefined ? [] : [{ name, newName, newTag }];
  };
  return [
    ...replaced('docker.io/library/redis', redis),
    ...replaced('docker.io/jaegertracing/jaeger', jaeger),
    ...replaced('docker.io/otel/opentelemetry-collector-contrib', collector),
  ];
}

const runs = (overlay: string): keyof typeof runsBy => (overlay === 'plain' ? 'deployment' : 'ksvc');

/** A JSON patch on what an overlay brings. */
export interface Change {
  readonly target: Readonly<Record<string, string>>;
  readonly patch: readonly object[];
}

let built: Image | undefined;

/** One for all overlays. */
export function theImage(): Image {
  built ??= buildImage();
  return built;
}

/** The overlay as it is, with the image of this tree. */
export function writeOverlay(overlay: string, changes: readonly Change[] = []): string {
  const { repository, tag, command } = theImage();
  const folder = join(top, '.tmp', `e2e-${overlay}`);
  const start = { op: 'add', path: '/spec/template/spec/containers/0/command', value: command };
  const schedule = { op: 'replace', path: '/spec/schedule', value: testSchedule };
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    sortOptions: { order: 'fifo' },
    resources: [`../../knative/overlays/${overlay}`],
    images: [{ name: 'dev.local/knspan', newName: repository, newTag: tag }, ...otherImages()],
    patches: [
      { target: { kind: 'PingSource' }, patch: JSON.stringify([schedule]) },
      ...(command
        ? [runsBy[runs(overlay)].target, { kind: 'ContainerSource' }].map((target) => ({ target, patch: JSON.stringify([start]) }))
        : []),
      ...changes.map(({ target, patch }) => ({ target, patch: JSON.stringify(patch) })),
    ],
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'kustomization.yaml'), stringify(kustomization));
  return folder;
}

/** Where no storage class makes volumes: one on the node. */
async function makeVolume(): Promise<void> {
  if (names('storageclass').length > 0) return;
  const hostPath = { path: volumePath, type: 'DirectoryOrCreate' };
  apply({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'knspan-e2e' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      claimRef: { namespace: home, name: 'redis' },
      hostPath,
    },
  });
  const container = {
    name: 'prepare',
    image: workloadImage,
    imagePullPolicy: 'IfNotPresent',
    securityContext: { runAsUser: 0 },
    command: ['sh', '-c', 'rm -rf /data/*; chmod 777 /data'],
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
  };
  apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'knspan-e2e-volume', namespace: 'default' },
    spec: { restartPolicy: 'Never', containers: [container], volumes: [{ name: 'data', hostPath }] },
  });
  kubectl('wait', ...volumePod, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s');
  kubectl('delete', ...volumePod);
}

export class Installation {
  readonly folder: string;
  readonly #runs: keyof typeof runsBy;

  constructor(overlay: string, changes: readonly Change[] = []) {
    this.#runs = runs(overlay);
    this.folder = writeOverlay(overlay, changes);
  }

  async install(): Promise<void> {
    await this.remove();
    await makeVolume();
    kubectl('apply', '-k', this.folder);
    await this.ready();
  }

  async ready(): Promise<void> {
    const within = `--timeout=${readyWithinMs / 1_000}s`;
    kubectl('-n', home, 'rollout', 'status', 'statefulset/redis', within);
    kubectl('-n', home, 'rollout', 'status', 'deployment/jaeger', within);
    if (this.#runs === 'ksvc') {
      kubectl('-n', home, 'wait', 'ksvc', '--all', '--for=condition=Ready', within);
      // A Trigger whose subscriber was not there yet looks again later and later; a change makes it look at once.
      kubectl('-n', home, 'annotate', 'trigger', '--all', '--overwrite', `knspan.dev/looked=${Date.now()}`);
    }
    const kinds = ['broker', 'trigger', 'sinkbinding', 'apiserversource', 'pingsource'];
    for (const kind of kinds) kubectl('-n', home, 'wait', kind, '--all', '--for=condition=Ready', within);
    // Last: a SinkBinding that becomes ready makes new pods.
    if (this.#runs === 'deployment')
      for (const name of functionNames) kubectl('-n', home, 'rollout', 'status', `deployment/${name}`, within);
  }

  /** Nothing of it is left, not even what it has in no namespace. */
  async remove(): Promise<void> {
    tryKubectl('delete', '-k', this.folder, '--ignore-not-found', '--wait=false');
    await until('the end of knspan', goneWithinMs, () => (this.left().length === 0 ? true : undefined));
    tryKubectl('delete', 'pv/knspan-e2e', '--ignore-not-found');
  }

  left(): string[] {
    const everywhere = list('namespace,clusterrole,clusterrolebinding').filter(({ metadata }) =>
      /^knspan($|-(event|object|owners|reconc))/.test(metadata.name),
    );
    return everywhere.map((item) => `${item.kind}/${item.metadata.name}`);
  }
}

/** Pods of a function, however it runs. */
export const podsOf = (name: string): string[] =>
  Object.values(runsBy).flatMap(({ label }) => names('pods', '-n', home, '-l', `${label}=${name}`));

export function killCorrelators(): void {
  for (const pod of podsOf('correlator')) kubectl('-n', home, 'delete', 'pod', pod, '--grace-period=0', '--force');
}

/** A change of nothing but its annotations is a new version of a Service. */
export function newVersions(mark: string): void {
  const patch = JSON.stringify({ spec: { template: { metadata: { annotations: { 'knspan.dev/e2e': mark } } } } });
  for (const name of functionNames) kubectl('-n', home, 'patch', `ksvc/${name}`, '--type=merge', '-p', patch);
}

export function setSchedule(schedule: string): void {
  kubectl('-n', home, 'patch', 'pingsource/tick', '--type=merge', '-p', JSON.stringify({ spec: { schedule } }));
}

/** What a person would look at first when something is wrong. */
export function diagnostics(): string {
  const logs = functionNames.flatMap((name) =>
    Object.values(runsBy).map(({ label, container }) => {
      const told = tryKubectl('-n', home, 'logs', '-l', `${label}=${name}`, '-c', container(name), '--tail=40', '--prefix');
      return `== ${name}\n${told}`;
    }),
  );
  return [tryKubectl('-n', home, 'get', 'pods', '-o', 'wide'), ...logs].join('\n');
}
