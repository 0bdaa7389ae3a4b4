/**
 * The writes of an audit log, brought to the objects that they wrote: the index of objects tells who has edited what, as it does of
 * managedFields. Nothing else of the audit log is used.
 */
import type { ObjectRef } from '../../events/observation.ts';
import type { KubeObject } from '../../kubernetes/object.ts';
import type { ObjectIndex } from '../../kubernetes/object-index.ts';
import type { AuditedWrite } from './audit-record.ts';

const writesMax = 1_000_000;
const namesMax = 200_000;
/** Mostly made by a controller: of such an object nothing is known without its owner. */
const owned: readonly string[] = ['Pod', 'ReplicaSet', 'Job'];

export class AuditLog {
  readonly #writes: AuditedWrite[] = [];
  /** What Events say about who has which uid. */
  readonly #uids = new Map<string, string>();

  add(write: AuditedWrite): void {
    if (this.#writes.length < writesMax) this.#writes.push(write);
  }

  see({ kind, namespace, name, uid }: ObjectRef): void {
    if (kind !== 'Pod' && uid !== '' && this.#uids.size < namesMax) this.#uids.set(keyOf(kind, namespace, name), uid);
  }

  applyTo(objects: ObjectIndex): void {
    for (const write of this.#writes) {
      const { kind, namespace, name } = write;
      const known = objects.byName(kind, namespace, name).at(-1)?.uid ?? '';
      const uid = write.uid || known || this.#uids.get(keyOf(kind, namespace, name)) || '';
      if (uid === '') continue;
      if (objects.latest(uid) === null) {
        if (write.object === null && owned.includes(kind)) continue;
        objects.add({ object: { ...(write.object ?? bare(write)), uid }, seenAt: null, gone: false });
      }
      objects.addEdit(uid, write.edit);
    }
  }
}

function keyOf(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

function bare({ kind, namespace, name, uid }: AuditedWrite): KubeObject {
  return {
    apiVersion: '',
    kind,
    namespace,
    name,
    uid,
    resourceVersion: '',
    generation: 0,
    createdAt: null,
    deletionAt: null,
    owner: null,
    edits: [],
    labels: {},
    annotations: {},
    target: null,
    claims: [],
    nodeName: '',
    replicas: null,
    conditions: [],
    containers: [],
  };
}
