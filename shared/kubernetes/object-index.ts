/** All known objects, by uid or by name, as of a time. */
import type { Micros } from '../events/observation.ts';
import type { Edit, KubeObject, ObjectVersion } from './object.ts';

export interface Objects {
  /** All known versions, in the order seen. */
  versions(uid: string): readonly ObjectVersion[];
  latest(uid: string): KubeObject | null;
  /** The version at a time: the last one seen by then, else the first. */
  at(uid: string, time: Micros): KubeObject | null;
  /** The latest version of each object that has or had the name. */
  byName(kind: string, namespace: string, name: string): readonly KubeObject[];
  ofVersion(uid: string, resourceVersion: string): KubeObject | null;
  /** When the deletion was seen. */
  goneAt(uid: string): Micros | null;
  /** Objects that target the named one (autoscalers). */
  referencing(kind: string, namespace: string, name: string): readonly KubeObject[];
}

export class ObjectIndex implements Objects {
  readonly #versions = new Map<string, ObjectVersion[]>();
  readonly #names = new Map<string, Set<string>>();
  readonly #targets = new Map<string, Set<string>>();

  get size(): number {
    return this.#versions.size;
  }

  add(version: ObjectVersion): void {
    const { object } = version;
    const key = object.uid !== '' ? object.uid : `name:${nameOf(object.kind, object.namespace, object.name)}`;
    const versions = this.#versions.get(key) ?? [];
    this.#versions.set(key, versions);
    const last = versions.at(-1);
    versions.push(version);
    if (last && timeOf(last) > timeOf(version)) versions.sort((a, b) => timeOf(a) - timeOf(b));
    remember(this.#names, nameOf(object.kind, object.namespace, object.name), key);
    if (object.target) remember(this.#targets, nameOf(object.target.kind, object.namespace, object.target.name), key);
  }

  /** An edit that is known from elsewhere than the object's managedFields. */
  addEdit(uid: string, edit: Edit): void {
    const versions = this.#versions.get(uid);
    const [first] = versions ?? [];
    if (versions && first) versions[0] = { ...first, object: { ...first.object, edits: [...first.object.edits, edit] } };
  }

  versions(uid: string): readonly ObjectVersion[] {
    return this.#versions.get(uid) ?? [];
  }

  latest(uid: string): KubeObject | null {
    return this.#versions.get(uid)?.at(-1)?.object ?? null;
  }

  at(uid: string, time: Micros): KubeObject | null {
    const versions = this.versions(uid);
    return (versions.findLast((version) => timeOf(version) <= time) ?? versions[0])?.object ?? null;
  }

  byName(kind: string, namespace: string, name: string): readonly KubeObject[] {
    return this.#all(this.#names.get(nameOf(kind, namespace, name)));
  }

  ofVersion(uid: string, resourceVersion: string): KubeObject | null {
    return this.#versions.get(uid)?.find((version) => version.object.resourceVersion === resourceVersion)?.object ?? null;
  }

  goneAt(uid: string): Micros | null {
    return this.versions(uid).find((version) => version.gone)?.seenAt ?? null;
  }

  referencing(kind: string, namespace: string, name: string): readonly KubeObject[] {
    return this.#all(this.#targets.get(nameOf(kind, namespace, name)));
  }

  #all(keys: ReadonlySet<string> | undefined): KubeObject[] {
    return [...(keys ?? [])].flatMap((key) => this.latest(key) ?? []);
  }
}

export const emptyObjects: Objects = new ObjectIndex();

/** A plain list has no time: its state is valid from the start. */
function timeOf(version: ObjectVersion): Micros {
  return version.seenAt ?? 0;
}

function nameOf(kind: string, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

function remember(map: Map<string, Set<string>>, name: string, key: string): void {
  const keys = map.get(name);
  if (keys) keys.add(key);
  else map.set(name, new Set([key]));
}
