/**
 * What an Event or an object says for the index, less what this process has said lately: most Events of a pod repeat the same facts
 * about it. Said again after a while, so that what is still spoken of is not forgotten.
 */

import { nameKeyOf } from '../../../shared/correlation/occurrence.ts';
import { bare, type Fact, factsOf, timeless } from '../../../shared/correlation/routing/event-facts.ts';
import type { Meaning } from '../../../shared/correlation/rules/rule.ts';
import type { Observation } from '../../../shared/events/observation.ts';
import type { ObjectVersion } from '../../../shared/kubernetes/object.ts';
import { RecentMap } from '../../../shared/process/recent.ts';
import type { IndexEntry } from '../../../shared/store/store.ts';
import { factText, versionText } from '../codec.ts';
import { anyObjectKey, factKey, versionKey } from '../decide/index-view.ts';

const saidMost = 50_000;
const saidAgainAfterMs = 10 * 60_000;

export class RecentFactFilter {
  /** Entry -> its time, and when it was written. Only what the store has acknowledged is here. */
  readonly #said = new RecentMap<{ readonly score: number; readonly at: number }>(saidMost);

  factsOf(cluster: string, observation: Observation, meaning: Meaning, now: number): IndexEntry[] {
    const entries: IndexEntry[] = [];
    for (const fact of factsOf(observation, meaning)) {
      const entry = toEntry(cluster, fact);
      if (!timeless.has(fact.index) || !this.#isSaid(entry, now)) entries.push(entry);
    }
    return entries;
  }

  /** To be called once the entries are in the store. */
  written(entries: readonly IndexEntry[], now: number): void {
    for (const { key, member, score } of entries) this.#said.set(`${key}\n${member}`, { score, at: now });
  }

  #isSaid({ key, member, score }: IndexEntry, now: number): boolean {
    const said = this.#said.get(`${key}\n${member}`);
    return said !== undefined && said.score <= score && now - said.at < saidAgainAfterMs;
  }
}

function toEntry(cluster: string, fact: Fact): IndexEntry {
  return { key: factKey(cluster, fact.index, fact.key), member: factText(fact), score: fact.at };
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
    toEntry(cluster, { ...bare('object', nameKeyOf(kind, namespace, name), score), ref }),
  ];
  if (target) entries.push(toEntry(cluster, { ...bare('target', nameKeyOf(target.kind, namespace, target.name), score), ref }));
  return entries;
}
