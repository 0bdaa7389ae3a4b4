/**
 * The facts that an Event or an object contributes to the index, without those that this process has written recently: most Events of a
 * pod repeat the same facts about it. Each is written again after a while, so that facts still in use do not expire.
 */
import { nameKeyOf } from '../../../shared/correlation/occurrence.ts';
import { type Fact, fact, factsOf, timeless } from '../../../shared/correlation/routing/event-facts.ts';
import type { Meaning } from '../../../shared/correlation/rules/rule.ts';
import type { Observation } from '../../../shared/events/observation.ts';
import type { ObjectVersion } from '../../../shared/kubernetes/object.ts';
import { TtlCache } from '../../../shared/process/ttl-cache.ts';
import type { IndexEntry } from '../../../shared/store/store.ts';
import { factText, versionText } from '../codec.ts';
import { anyObjectKey, factKey, versionKey } from '../decide/index-view.ts';

const writtenMax = 50_000;
const writtenTtlMs = 10 * 60_000;

export class RecentFactFilter {
  /** Entry -> its score. Only what the store has acknowledged is here. */
  readonly #written: TtlCache<number>;

  /** `now` in ms. */
  constructor(now: () => number) {
    this.#written = new TtlCache({ now, max: writtenMax, ttlMs: writtenTtlMs });
  }

  factsOf(cluster: string, observation: Observation, meaning: Meaning): IndexEntry[] {
    const entries: IndexEntry[] = [];
    for (const one of factsOf(observation, meaning)) {
      const entry = toEntry(cluster, one);
      if (!timeless.has(one.index) || !this.#isWritten(entry)) entries.push(entry);
    }
    return entries;
  }

  /** To be called once the entries are in the store. */
  written(entries: readonly IndexEntry[]): void {
    for (const { key, member, score } of entries) this.#written.set(`${key}\n${member}`, score);
  }

  #isWritten({ key, member, score }: IndexEntry): boolean {
    const written = this.#written.get(`${key}\n${member}`);
    return written !== undefined && written <= score;
  }
}

function toEntry(cluster: string, one: Fact): IndexEntry {
  return { key: factKey(cluster, one.index, one.key), member: factText(one), score: one.at };
}

/** An object by uid, by its name, and by the name of what it refers to. */
export function entriesOfObject(cluster: string, version: ObjectVersion): IndexEntry[] {
  const { object } = version;
  const score = version.seenAt ?? 0;
  if (object.uid === '') return [];
  const { apiVersion, kind, namespace, name, uid, target } = object;
  const ref = { apiVersion, kind, namespace, name, uid };
  const entries = [
    { key: versionKey(cluster, uid), member: versionText(version), score },
    { key: anyObjectKey(cluster), member: 'any', score: 0 },
    toEntry(cluster, fact('object', nameKeyOf(kind, namespace, name), score, { ref })),
  ];
  if (target) entries.push(toEntry(cluster, fact('target', nameKeyOf(target.kind, namespace, target.name), score, { ref })));
  return entries;
}
