/**
 * What the store's index knows, as the core asks for it: facts from Events and versions of objects. The core is synchronous, so it is
 * run with what is loaded; what it asked for in vain is loaded and it is run again, until it asks for nothing new.
 */

import { nameKeyOf } from '../../../shared/correlation/occurrence.ts';
import type { Fact, FactIndex, Facts } from '../../../shared/correlation/routing/event-facts.ts';
import type { Micros } from '../../../shared/events/observation.ts';
import type { KubeObject, ObjectVersion } from '../../../shared/kubernetes/object.ts';
import type { Objects } from '../../../shared/kubernetes/object-index.ts';
import type { Store } from '../../../shared/store/store.ts';
import { readFact, readVersion } from '../codec.ts';
import type { CooperativeYield } from './event-loop-yield.ts';

/** Chains are short and each round loads all that a batch asked for: more rounds than this are a bug. */
const roundsMost = 200;

export const factKey = (cluster: string, index: FactIndex, key: string): string => `${cluster}|f|${index}|${key}`;
export const versionKey = (cluster: string, uid: string): string => `${cluster}|v|${uid}`;
/** Has a member as soon as the cluster has fed any object: without one, nobody needs to ask. */
export const anyObjectKey = (cluster: string): string => `${cluster}|objects`;

type Entries = readonly { readonly member: string; readonly score: number }[];

/** What was read from the index for one batch. */
export class PrefetchedIndex {
  readonly #store: Store;
  readonly #turns: CooperativeYield;
  readonly #entries = new Map<string, Entries>();
  readonly #missing = new Set<string>();
  #askedInVain = false;

  constructor(store: Store, turns: CooperativeYield) {
    this.#store = store;
    this.#turns = turns;
  }

  /** Null: not loaded yet, and noted as wanted. */
  entries(key: string): Entries | null {
    const found = this.#entries.get(key);
    if (found) return found;
    this.#missing.add(key);
    this.#askedInVain = true;
    return null;
  }

  async #fill(): Promise<void> {
    if (this.#missing.size === 0) return;
    const keys = [...this.#missing];
    this.#missing.clear();
    const found = await this.#store.readIndex(keys);
    for (const [place, key] of keys.entries()) this.#entries.set(key, found[place] ?? []);
  }

  /** Runs each with what is loaded; again those that asked for more. */
  async runAll<In, Out>(inputs: readonly In[], run: (input: In) => Out): Promise<Out[]> {
    const results: Out[] = [];
    let open = [...inputs.keys()];
    for (let round = 0; open.length > 0; round += 1) {
      if (round > roundsMost) throw new Error(`Cannot complete what is known: still asking after ${roundsMost} rounds`);
      await this.#fill();
      const again: number[] = [];
      await this.#turns.map(open, (place) => {
        const input = inputs[place];
        if (input === undefined) return;
        this.#askedInVain = false;
        results[place] = run(input);
        if (this.#askedInVain) again.push(place);
      });
      open = again;
    }
    return results;
  }
}

export class IndexView implements Facts, Objects {
  readonly #loaded: PrefetchedIndex;
  readonly #cluster: string;
  readonly #facts = new Map<string, readonly Fact[]>();
  readonly #versions = new Map<string, readonly ObjectVersion[]>();

  constructor(loaded: PrefetchedIndex, cluster: string) {
    this.#loaded = loaded;
    this.#cluster = cluster;
  }

  get(index: FactIndex, key: string): readonly Fact[] {
    const full = factKey(this.#cluster, index, key);
    const known = this.#facts.get(full);
    if (known) return known;
    const entries = this.#loaded.entries(full);
    if (!entries) return [];
    const facts = entries.map(({ member, score }) => readFact(index, key, score, member));
    this.#facts.set(full, facts);
    return facts;
  }

  versions(uid: string): readonly ObjectVersion[] {
    const known = this.#versions.get(uid);
    if (known) return known;
    if (uid === '') return [];
    const any = this.#loaded.entries(anyObjectKey(this.#cluster));
    if (!any || any.length === 0) return [];
    const entries = this.#loaded.entries(versionKey(this.#cluster, uid));
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
