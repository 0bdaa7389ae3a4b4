/** Facts in the memory of one process. Most keys have one fact. */
import type { Micros } from '../../events/observation.ts';
import { keyOf } from '../occurrence.ts';
import { type Fact, type FactIndex, type Facts, factIndexes, factsMost, timeless } from './event-facts.ts';

interface Bucket {
  facts: Fact[];
  /** By identity, where there are many: its place in the list. */
  places: Map<string, number> | null;
  /** When it was last spoken of. */
  last: Micros;
}

/** So many are searched faster than a map is kept. */
const searched = 8;
const nothing: readonly Fact[] = [];

export class MemoryFacts implements Facts {
  readonly #indexes = new Map<FactIndex, Map<string, Bucket>>(factIndexes.map((index) => [index, new Map()]));

  /** Of the same fact said twice the earlier time stays. */
  add(fact: Fact): void {
    const buckets = this.#indexes.get(fact.index);
    const bucket = buckets?.get(fact.key);
    if (!bucket) {
      buckets?.set(fact.key, { facts: [fact], places: null, last: fact.at });
      return;
    }
    bucket.last = Math.max(bucket.last, fact.at);
    const place = placeOf(bucket, fact);
    const known = place === undefined ? undefined : bucket.facts[place];
    if (place === undefined || !known) append(bucket, fact);
    else if (fact.at < known.at) bucket.facts[place] = fact;
  }

  get(index: FactIndex, key: string): readonly Fact[] {
    return this.#indexes.get(index)?.get(key)?.facts ?? nothing;
  }

  /** Drops what was last spoken of before that time. */
  forget(before: Micros): void {
    for (const [index, buckets] of this.#indexes)
      for (const [key, bucket] of buckets) {
        if (bucket.last < before) buckets.delete(key);
        else if (bucket.facts.length > 1 && !timeless.has(index)) dropBefore(bucket, before);
      }
  }
}

function placeOf({ facts, places }: Bucket, fact: Fact): number | undefined {
  if (places) return places.get(identityOf(fact));
  const place = facts.findIndex((one) => isSame(one, fact));
  return place < 0 ? undefined : place;
}

function append(bucket: Bucket, fact: Fact): void {
  bucket.places?.set(identityOf(fact), bucket.facts.length);
  bucket.facts.push(fact);
  if (bucket.places === null && bucket.facts.length > searched) bucket.places = placesOf(bucket.facts);
}

function dropBefore(bucket: Bucket, before: Micros): void {
  const kept = bucket.facts.filter((fact) => fact.at >= before).slice(-factsMost);
  if (kept.length === bucket.facts.length) return;
  bucket.facts = kept;
  bucket.places = kept.length > searched ? placesOf(kept) : null;
}

function placesOf(facts: readonly Fact[]): Map<string, number> {
  return new Map(facts.map((fact, place) => [identityOf(fact), place]));
}

/** What tells two facts under one key apart. */
function identityOf({ index, at, ref, text, on, count }: Fact): string {
  const about = ref ? `${ref.apiVersion}|${keyOf(ref)}` : '';
  return timeless.has(index) ? about : `${at}|${about}|${text}|${on}|${count}`;
}

function isSame(a: Fact, b: Fact): boolean {
  if (a.ref?.apiVersion !== b.ref?.apiVersion || (a.ref && keyOf(a.ref)) !== (b.ref && keyOf(b.ref))) return false;
  return timeless.has(a.index) || (a.at === b.at && a.text === b.text && a.on === b.on && a.count === b.count);
}
