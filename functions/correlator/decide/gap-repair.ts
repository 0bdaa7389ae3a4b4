/**
 * Decides nothing about a time of which no listing has said that the stream brought everything: asks the reconciler for a listing of the
 * namespace, and has the domain wait for it. What the listing finds comes back as Events that are late, for which late-arrival-gate.ts
 * waits then. Where nobody lists, or too many namespaces are busy, the decision is made as it is, and the tick repairs what it can.
 */
import { randomUUID } from 'node:crypto';
import { lateness, second } from '../../../shared/correlation/settling-times.ts';
import type { Decided } from '../../../shared/correlation/steps.ts';
import { wantedConfirmation } from '../../../shared/correlation/wanted-confirmation.ts';
import type { Micros } from '../../../shared/events/observation.ts';
import type { Sink, SinkOutcome } from '../../../shared/http/sink.ts';
import type { Clock } from '../../../shared/process/clock.ts';
import { gapEvent, listingsKey } from '../../../shared/process/gap-event.ts';
import { TtlCache } from '../../../shared/process/ttl-cache.ts';
import type { Store } from '../../../shared/store/store.ts';

export interface GapRepairOptions {
  readonly store: Pick<Store, 'readIndex' | 'acquireLease'>;
  readonly sink: Sink;
  readonly clock: Pick<Clock, 'now'>;
  /** The reconciler lists this one only; undefined: there is no other. */
  readonly cluster: string | undefined;
  /** `source` of the CloudEvents. */
  readonly source: string;
  readonly onAsked: (outcome: SinkOutcome['kind']) => void;
}

/** Of a namespace, by all correlators together: one request is under way at a time. */
const askEveryMs = 10_000;
/** Of all namespaces, by this process. */
const [asksPerSecond, asksAtOnce] = [5, 20];
const waitsMax = 60 * second;
const waitingMax = 10_000;
/** What a listing has found takes a moment from the reconciler to the inbox. */
const arrivesWithin = 10 * second;

export class GapRepair {
  readonly #options: GapRepairOptions;
  /** Domain -> since when it waits. */
  readonly #waiting: TtlCache<Micros>;
  /** Since the last answer. */
  #firstAsked: Micros | null = null;
  #tokens = asksAtOnce;
  #filledAt: Micros = 0;

  constructor(options: GapRepairOptions) {
    this.#options = options;
    this.#waiting = new TtlCache({ now: () => options.clock.now(), max: waitingMax, ttlMs: (2 * waitsMax) / 1_000 });
  }

  /** Whether the domain is to wait. Rejects when the store is away. */
  async isAwaited(domain: string, cluster: string, decided: Pick<Decided, 'after' | 'decided'>, now: Micros): Promise<boolean> {
    if (cluster !== (this.#options.cluster ?? cluster)) return false;
    const wanted = wantedConfirmation(decided);
    if (wanted.size === 0) return false;
    const listings = await this.#listings(cluster);
    let isMissing = false;
    for (const [namespace, at] of wanted) {
      const { began = 0, sent = 0 } = listings.get(namespace) ?? {};
      const isConfirmed = began - lateness >= at;
      if (!isConfirmed && (await this.#ask(cluster, namespace, now))) isMissing = true;
      else if (now < sent + arrivesWithin) isMissing = true;
    }
    const since = this.#waiting.get(domain) ?? now;
    const isAwaited = isMissing && now - since < waitsMax && (this.#firstAsked === null || now - this.#firstAsked < waitsMax);
    if (isAwaited) this.#waiting.set(domain, since);
    else this.#waiting.delete(domain);
    return isAwaited;
  }

  async #listings(cluster: string): Promise<ReadonlyMap<string, { began?: Micros; sent?: Micros }>> {
    const [began, sent] = [listingsKey(cluster, 'began'), listingsKey(cluster, 'sent')];
    const [begun = [], found = []] = await this.#options.store.readIndex([began, sent]);
    const listings = new Map<string, { began?: Micros; sent?: Micros }>();
    for (const { member, score } of begun) {
      listings.set(member, { began: -score });
      if (this.#firstAsked !== null && -score >= this.#firstAsked) this.#firstAsked = null;
    }
    for (const { member, score } of found) listings.set(member, { ...listings.get(member), sent: -score });
    return listings;
  }

  /** False: it may not be asked for. Does not wait for the answer, which a sink that hangs would delay. */
  async #ask(cluster: string, namespace: string, now: Micros): Promise<boolean> {
    const { store, sink, source, onAsked } = this.#options;
    this.#tokens = Math.min(asksAtOnce, this.#tokens + (Math.max(0, now - this.#filledAt) / second) * asksPerSecond);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    const id = randomUUID();
    if (!(await store.acquireLease(`gap:${cluster}:${namespace}`, id, askEveryMs))) return true;
    this.#tokens -= 1;
    this.#firstAsked ??= now;
    void sink.send(gapEvent({ id, source, cluster, namespace, at: now })).then(({ kind }) => onAsked(kind));
    return true;
  }
}
