/**
 * Finds Events in the API server that were never received, in all namespaces or in one, and sends them to the Broker. One replica at a time
 * lists a cluster; an unfinished listing is restarted by the next tick, which skips what was sent.
 */
import { lateness } from '../../shared/correlation/settling-times.ts';
import type { Result } from '../../shared/events/json.ts';
import type { Sink } from '../../shared/http/sink.ts';
import { type ApiServer, pagesOf } from '../../shared/kubernetes/api-server.ts';
import type { Clock } from '../../shared/process/clock.ts';
import { isSelected } from '../../shared/process/event-selection.ts';
import { listingsKey } from '../../shared/process/gap-event.ts';
import type { Log } from '../../shared/process/log.ts';
import { TokenBucket } from '../../shared/process/token-bucket.ts';
import { TtlCache } from '../../shared/process/ttl-cache.ts';
import type { Store } from '../../shared/store/store.ts';
import type { Meters } from './metrics.ts';
import { type Listed, listedOf, missedEvent, unobservedBelow } from './missed-events.ts';
import type { ReconcilerConfig } from './settings.ts';

export interface RepairOptions {
  readonly config: ReconcilerConfig;
  readonly api: ApiServer;
  readonly store: Store;
  readonly sink: Sink;
  readonly meters: Meters;
  readonly log: Log;
  readonly clock: Clock;
  /** Name of this replica. */
  readonly holder: string;
  readonly cluster: () => Promise<Result<string>>;
}

export type RepairOutcome =
  /** elsewhere: another replica lists. */
  { readonly kind: 'done' | 'elsewhere' | 'stopped' } | { readonly kind: 'failed'; readonly reason: string };

interface Pass {
  readonly cluster: string;
  /** Event time; older Events count as seen. */
  readonly since: number;
  readonly signal: AbortSignal;
  readonly lease: string;
  /** Event time; younger Events may still be on their way. */
  readonly until: number;
  /** Already sent: a restarted list contains them again. */
  readonly sent: Set<string>;
  heldAt: number;
}

/** One lease per cluster, so that reconcilers of several clusters on one store do not wait for each other. */
const leaseOf = (cluster: string): string => `reconciler:${cluster}`;
const answeredForMs = 3_600_000;
/** Namespaces. */
const answersMax = 10_000;
/** Longer than two sends. */
const leaseMs = 90_000;
const renewAfterMs = 20_000;
const countedMax = 50_000;
const countedMs = 2 * 3_600_000;
const done: RepairOutcome = { kind: 'done' };
const stopped: RepairOutcome = { kind: 'stopped' };

export class ListAndRepair {
  readonly #options: RepairOptions;
  readonly #bucket: TokenBucket;
  /** Counted already: a missed occurrence is found by each listing until the correlator has it. */
  readonly #counted: TtlCache<true>;

  constructor(options: RepairOptions) {
    const { config, clock } = options;
    this.#options = options;
    this.#bucket = new TokenBucket({ perSecond: config.rate, burst: config.rate }, clock);
    this.#counted = new TtlCache({ now: () => clock.now(), max: countedMax, ttlMs: countedMs });
  }

  /** Rejects if the store is unavailable. */
  run(signal: AbortSignal): Promise<RepairOutcome> {
    return this.#pass(leaseOf, this.#options.config.missedAfter, signal, (pass) => this.#lists(pass));
  }

  /** One namespace, at the request of a correlator; records when the listing began, and whether it found missed Events. */
  repair(namespace: string, signal: AbortSignal): Promise<RepairOutcome> {
    const { store, clock, config } = this.#options;
    const missedAfter = Math.min(lateness / 1_000, config.missedAfter);
    return this.#pass(
      (cluster) => `${leaseOf(cluster)}:${namespace}`,
      missedAfter,
      signal,
      async (pass) => {
        const began = clock.now() * 1_000;
        const outcome = isSelected(config.selection, namespace) ? await this.#list(pathOf(namespace), pass) : done;
        if (outcome.kind !== 'done') return outcome;
        const answer = (what: 'began' | 'sent', at: number) => ({
          key: listingsKey(pass.cluster, what),
          member: namespace,
          score: -Math.round(at),
        });
        const answers = [answer('began', began), ...(pass.sent.size > 0 ? [answer('sent', clock.now() * 1_000)] : [])];
        await store.putIndex(answers, answeredForMs, answersMax);
        return done;
      },
    );
  }

  async #pass(
    name: (cluster: string) => string,
    missedAfter: number,
    signal: AbortSignal,
    list: (pass: Pass) => Promise<RepairOutcome>,
  ): Promise<RepairOutcome> {
    const { api, store, holder, clock, config } = this.#options;
    if (!(await api.configured())) return done;
    const cluster = await this.#options.cluster();
    if (!cluster.ok) return { kind: 'failed', reason: cluster.reason };
    const lease = name(cluster.value);
    if (!(await store.acquireLease(lease, holder, leaseMs))) return { kind: 'elsewhere' };
    try {
      const now = clock.now();
      const mark = await store.setOnce(`reconciler-since:${cluster.value}`, String(now - config.backfill), null);
      const until = (now - missedAfter) * 1_000;
      return await list({ cluster: cluster.value, since: Number(mark) * 1_000, until, lease, signal, sent: new Set(), heldAt: now });
    } finally {
      await store.releaseLease(lease, holder);
    }
  }

  async #lists(pass: Pass): Promise<RepairOutcome> {
    const { namespaces, excluded } = this.#options.config.selection;
    const chosen = namespaces.filter((name) => !excluded.includes(name));
    const paths = namespaces.length === 0 ? ['/api/v1/events'] : chosen.map(pathOf);
    let outcome = done;
    for (const path of paths) {
      const one = await this.#list(path, pass);
      // A namespace without permission does not stop the others.
      if (one.kind !== 'done') outcome = one;
      if (one.kind === 'stopped') break;
    }
    return outcome;
  }

  async #list(path: string, pass: Pass): Promise<RepairOutcome> {
    for await (const page of pagesOf(this.#options.api, path, pass.signal)) {
      if (pass.signal.aborted) return stopped;
      if (page.kind === 'failed') return { kind: 'failed', reason: `Cannot list ${path}: ${page.reason}` };
      if (page.kind === 'again') continue;
      const outcome = await this.#page(page.items, pass);
      if (outcome.kind !== 'done') return outcome;
    }
    return done;
  }

  async #page(items: readonly unknown[], pass: Pass): Promise<RepairOutcome> {
    const { store, config, meters } = this.#options;
    const listed = listedOf(items, pass.cluster, config.selection);
    meters.listed.add({}, listed.length);
    const unseen = await store.unseen(listed);
    // An Event without a time is dated to the epoch: its age is unknown, so it passes both limits.
    const missed = listed.filter(({ observation: { last }, event, n }, place) => {
      const isDue = last.at === 0 || (last.at >= pass.since && last.at <= pass.until);
      return unseen[place] === true && isDue && !pass.sent.has(`${event}#${n}`);
    });
    await this.#countMissed(missed);
    for (const one of missed) {
      const outcome = await this.#send(one, pass);
      if (outcome.kind !== 'done') return outcome;
    }
    return await this.#renew(pass);
  }

  async #countMissed(missed: readonly Listed[]): Promise<void> {
    const { meters, store } = this.#options;
    const fresh = missed.filter(({ event, n }) => this.#counted.get(`${event}#${n}`) === undefined);
    meters.unobserved.add({}, await unobservedBelow(store, fresh));
    meters.missed.add({}, fresh.length);
    for (const { event, n } of fresh) this.#counted.set(`${event}#${n}`, true);
  }

  async #send(missed: Listed, pass: Pass): Promise<RepairOutcome> {
    const { sink, meters, log, clock } = this.#options;
    try {
      await this.#bucket.take(Number.POSITIVE_INFINITY, pass.signal);
    } catch {
      return stopped;
    }
    const renewed = await this.#renew(pass);
    if (pass.signal.aborted || renewed.kind !== 'done') return renewed.kind === 'done' ? stopped : renewed;
    const sent = await sink.send(missedEvent(missed, pass.cluster, clock.now()));
    // Retried with the next tick; a sink that is unavailable for one event is so for all.
    if (sent.kind === 'retry') return { kind: 'failed', reason: sent.reason };
    pass.sent.add(`${missed.event}#${missed.n}`);
    if (sent.kind === 'accepted') meters.repaired.add({});
    else {
      meters.refused.add({});
      log.sampled('missed-refused', 5)?.error('the Broker rejected a missed Event', { reason: sent.reason, uid: missed.observation.uid });
    }
    return done;
  }

  /** Renews the lease; a replica that has lost it stops. */
  async #renew(pass: Pass): Promise<RepairOutcome> {
    const { store, holder, clock } = this.#options;
    const now = clock.now();
    if (now - pass.heldAt < renewAfterMs) return done;
    pass.heldAt = now;
    return (await store.acquireLease(pass.lease, holder, leaseMs)) ? done : { kind: 'elsewhere' };
  }
}

function pathOf(namespace: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
}
