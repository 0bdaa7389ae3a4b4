/**
 * What the store's index knows, as the core asks for it: facts from Events and versions of objects. The core is synchronous, so what it
 * is going to ask for is declared and loaded first. Where an answer leads to another question (an owner's owner), that is loaded next, and
 * what asked for it runs again.
 */

import { nameKeyOf } from '../../../shared/correlation/occurrence.ts';
import type { Fact, FactIndex, Facts } from '../../../shared/correlation/routing/event-facts.ts';
import type { Micros } from '../../../shared/events/observation.ts';
import type { KubeObject, ObjectVersion } from '../../../shared/kubernetes/object.ts';
import type { Objects } from '../../../shared/kubernetes/object-index.ts';
import type { Store } from '../../../shared/store/store.ts';
import { readFact, readVersion } from '../codec.ts';

/** Chains are short: more rounds than this are a bug. */
const roundsMost = 50;

export const factKey = (cluster: string, index: FactIndex, key: string): string => `${cluster}|f|${index}|${key}`;
export const versionKey = (cluster: string, uid: string): string => `${cluster}|v|${uid}`;
/** Has a member as soon as the cluster has fed any object: without one, no version is asked for. */
export const anyObjectKey = (cluster: string): string => `${cluster}|objects`;

/** Facts that name an owner by its uid. */
const naming: ReadonlySet<FactIndex> = new Set<FactIndex>(['life', 'owner', 'object']);

type Entries = readonly { readonly member: string; readonly score: number }[];

/** What was read from the index for one batch. */
export class PrefetchedIndex {
  readonly #store: Pick<Store, 'readIndex'>;
  readonly #entries = new Map<string, Entries>();
  readonly #wanted = new Set<string>();
  #missed = false;
  /** How often the store was asked. */
  rounds = 0;

  constructor(store: Pick<Store, 'readIndex'>) {
    this.#store = store;
  }

  /** Is loaded with the next load. */
  want(key: string): void {
    if (!this.#entries.has(key)) this.#wanted.add(key);
  }

  /** Null: not loaded yet, and now wanted. */
  entries(key: string): Entries | null {
    const found = this.#entries.get(key);
    if (found) return found;
    this.#wanted.add(key);
    this.#missed = true;
    return null;
  }

  async load(): Promise<void> {
    if (this.#wanted.size === 0) return;
    if (this.rounds >= roundsMost) throw new Error(`Cannot load the index: still asking after ${roundsMost} rounds`);
    this.rounds += 1;
    const keys = [...this.#wanted];
    this.#wanted.clear();
    const found = await this.#store.readIndex(keys);
    for (const [place, key] of keys.entries()) this.#entries.set(key, found[place] ?? []);
  }

  /** Runs each with what is loaded; those that asked for more run again once that is loaded, too. */
  async runAll<In, Out>(inputs: readonly In[], run: (input: In) => Out): Promise<Out[]> {
    const results: Out[] = [];
    let open: Iterable<[number, In]> = inputs.entries();
    for (let again: [number, In][] = []; ; again = []) {
      await this.load();
      for (const [place, input] of open) {
        this.#missed = false;
        results[place] = run(input);
        if (this.#missed) again.push([place, input]);
      }
      if (again.length === 0) return results;
      open = again;
    }
  }
}

/** What of the index is about one cluster. */
export class IndexView implements Facts, Objects {
  readonly #index: PrefetchedIndex;
  readonly #cluster: string;
  readonly #facts = new Map<string, readonly Fact[]>();
  readonly #versions = new Map<string, readonly ObjectVersion[]>();
  /** What was wanted. */
  readonly #names: [FactIndex, string][] = [];
  readonly #uids: string[] = [];

  constructor(index: PrefetchedIndex, cluster: string) {
    this.#index = index;
    this.#cluster = cluster;
  }

  /** Whether the cluster has fed objects. */
  get hasObjects(): boolean {
    return (this.#index.entries(anyObjectKey(this.#cluster))?.length ?? 0) > 0;
  }

  /** Whether something in the cluster claims what happens in other domains. */
  get hasClaims(): boolean {
    return this.get('claims', '').length > 0;
  }

  /** To know the two above. */
  wantKinds(): void {
    this.#index.want(anyObjectKey(this.#cluster));
    this.#index.want(factKey(this.#cluster, 'claims', ''));
  }

  wantFact(index: FactIndex, key: string): void {
    this.#index.want(factKey(this.#cluster, index, key));
    if (naming.has(index)) this.#names.push([index, key]);
  }

  wantVersions(uid: string): void {
    if (uid === '') return;
    this.#index.want(versionKey(this.#cluster, uid));
    this.#uids.push(uid);
  }

  /** The objects that what is loaded names. */
  wantMentioned(): void {
    for (const [index, key] of this.#names) for (const { ref } of this.get(index, key)) if (ref) this.wantVersions(ref.uid);
    for (const uid of [...this.#uids]) this.wantVersions(this.latest(uid)?.owner?.uid ?? '');
  }

  get(index: FactIndex, key: string): readonly Fact[] {
    const own = `${index}|${key}`;
    const known = this.#facts.get(own);
    if (known) return known;
    const entries = this.#index.entries(factKey(this.#cluster, index, key));
    if (!entries) return [];
    const facts = entries.map(({ member, score }) => readFact(index, key, score, member));
    this.#facts.set(own, facts);
    return facts;
  }

  versions(uid: string): readonly ObjectVersion[] {
    const known = this.#versions.get(uid);
    if (known) return known;
    if (uid === '' || !this.hasObjects) return [];
    const entries = this.#index.entries(versionKey(this.#cluster, uid));
    if (!entries) return [];
    const versions = entries.map(({ member, score }) => readVersion(score, member));
    this.#versions.set(uid, versions);
    return versions;
  }

  latest(uid: string): KubeObject | null {
    return this.versions(uid).at(-1)?.object ?? null;
  }

  at(uid: string, time: Micros): KubeObject | null {
    const versions = this.versions(uid);
    return (versions.findLast(({ seenAt }) => (seenAt ?? 0) <= time) ?? versions[0])?.object ?? null;
  }

  byName(kind: string, namespace: string, name: string): readonly KubeObject[] {
    return this.#objectsOf('object', nameKeyOf(kind, namespace, name));
  }

  ofVersion(uid: string, resourceVersion: string): KubeObject | null {
    return this.versions(uid).find(({ object }) => object.resourceVersion === resourceVersion)?.object ?? null;
  }

  goneAt(uid: string): Micros | null {
    return this.versions(uid).find(({ gone }) => gone)?.seenAt ?? null;
  }

  referencing(kind: string, namespace: string, name: string): readonly KubeObject[] {
    return this.#objectsOf('target', nameKeyOf(kind, namespace, name));
  }

  #objectsOf(index: 'object' | 'target', key: string): KubeObject[] {
    return this.get(index, key).flatMap(({ ref }) => (ref ? (this.latest(ref.uid) ?? []) : []));
  }
}
