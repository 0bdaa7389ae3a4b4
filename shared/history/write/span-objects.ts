/** The objects that the attributes of spans name, with their owners and nodes: what the Events of an object do not say of it. */
import type { Micros } from '../../events/observation.ts';
import type { Attributes, Span } from '../../spans/span.ts';
import { timeText } from '../time.ts';
import type { ClusterRef } from './event-row.ts';
import { nameText, uuidOf } from './identity.ts';

export interface NamedObject {
  readonly first_at: string;
  readonly uid: string;
  readonly owner_uid: string | null;
  readonly cluster: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly api: string;
  readonly node: string | null;
}

interface Kind {
  readonly kind: string;
  readonly api: string;
  /** Kinds that may own it. */
  readonly owners: readonly string[];
}

/** By the word of OpenTelemetry's semantic conventions. */
const kinds: Readonly<Record<string, Kind>> = {
  pod: { kind: 'Pod', api: 'v1', owners: ['replicaset', 'statefulset', 'daemonset', 'job', 'replicationcontroller'] },
  replicaset: { kind: 'ReplicaSet', api: 'apps/v1', owners: ['deployment'] },
  job: { kind: 'Job', api: 'batch/v1', owners: ['cronjob'] },
  deployment: { kind: 'Deployment', api: 'apps/v1', owners: [] },
  statefulset: { kind: 'StatefulSet', api: 'apps/v1', owners: [] },
  daemonset: { kind: 'DaemonSet', api: 'apps/v1', owners: [] },
  cronjob: { kind: 'CronJob', api: 'batch/v1', owners: [] },
};

/** Each object once, in the order of its key. */
export function objectsOf(cluster: ClusterRef, spans: readonly Span[]): NamedObject[] {
  const found = new Map<string, { readonly object: NamedObject; readonly since: Micros }>();
  for (const { attributes, start } of spans) {
    for (const [word, kind] of Object.entries(kinds)) {
      const object = objectOf(cluster, attributes, word, kind, start);
      if (object === null) continue;
      const key = JSON.stringify([object.kind, object.namespace, object.name, object.uid]);
      const known = found.get(key);
      const since = Math.min(start, known?.since ?? start);
      const owner_uid = object.owner_uid ?? known?.object.owner_uid ?? null;
      const node = object.node ?? known?.object.node ?? null;
      found.set(key, { object: { ...object, first_at: timeText(since), owner_uid, node }, since });
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { object }]) => object);
}

function objectOf(
  cluster: ClusterRef,
  attributes: Attributes,
  word: string,
  { kind, api, owners }: Kind,
  start: Micros,
): NamedObject | null {
  const uid = textOf(attributes, `k8s.${word}.uid`);
  const name = textOf(attributes, `k8s.${word}.name`);
  const namespace = textOf(attributes, 'k8s.namespace.name');
  // The name may be that of another one of its kind, which was acted upon.
  if (uid === '' || name === '' || namespace === '' || textOf(attributes, 'knspan.subject').startsWith(`${kind}/`)) return null;
  const owner = owners.map((one) => textOf(attributes, `k8s.${one}.uid`)).find((one) => one !== '');
  const node = word === 'pod' ? textOf(attributes, 'k8s.node.name') : '';
  return {
    first_at: timeText(start),
    uid: uuidOf(uid),
    owner_uid: owner === undefined ? null : uuidOf(owner),
    cluster: cluster.id,
    kind,
    namespace,
    name,
    api,
    node: node === '' ? null : node,
  };
}

function textOf(attributes: Attributes, key: string): string {
  const value = attributes[key];
  return typeof value === 'string' ? nameText(value) : '';
}
