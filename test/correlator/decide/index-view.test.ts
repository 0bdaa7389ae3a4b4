/** What is read from the index before the core runs: all that Events tell of at once, then what depends on an answer. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryStore } from '../../../shared/store/memory/store.ts';
import { defaultBounds } from '../../../shared/store/store.ts';
import { startCorrelators } from '../../helpers/correlators.ts';
import { type Notice, noticesOf, post } from '../../helpers/notices.ts';
import { captures } from '../../helpers/trace.ts';

class CountingStore extends MemoryStore {
  /** Of each group of shards that is routed: how often the index was read. */
  readonly routing: number[] = [];
  /** Of all domains that are decided. */
  readonly deciding = { reads: 0, claims: 0, domains: 0 };
  #isRouting = false;

  override claimInbox(...given: Parameters<MemoryStore['claimInbox']>): ReturnType<MemoryStore['claimInbox']> {
    if (!this.#isRouting) this.routing.push(0);
    this.#isRouting = true;
    return super.claimInbox(...given);
  }

  override completeRouting(...given: Parameters<MemoryStore['completeRouting']>): ReturnType<MemoryStore['completeRouting']> {
    this.#isRouting = false;
    return super.completeRouting(...given);
  }

  override async claimDomains(...given: Parameters<MemoryStore['claimDomains']>): ReturnType<MemoryStore['claimDomains']> {
    const claimed = await super.claimDomains(...given);
    this.deciding.claims += claimed.length > 0 ? 1 : 0;
    this.deciding.domains += claimed.length;
    return claimed;
  }

  override readIndex(keys: readonly string[]): ReturnType<MemoryStore['readIndex']> {
    const isGate = keys.length === 1 && keys[0] === 'late-arrivals';
    if (this.#isRouting) this.routing[this.routing.length - 1] = (this.routing.at(-1) ?? 0) + 1;
    else if (!isGate) this.deciding.reads += 1;
    return super.readIndex(keys);
  }
}

async function through(notices: readonly Notice[]): Promise<CountingStore> {
  const from = Math.max(...notices.map(({ at }) => at));
  let store: CountingStore | undefined;
  const { running, clock, stop } = await startCorrelators(1, (own) => (store = new CountingStore(() => own.now(), defaultBounds)), from);
  const [correlator] = running;
  assert.ok(correlator && store);
  for (const notice of notices) await post(correlator.url, notice);
  await clock.set(from + 2 * 3_600_000);
  await correlator.sweep();
  await stop();
  return store;
}

describe('how often the index is read', () => {
  for (const name of captures) {
    it(`${name}: what the Events tell of at once, at most once more what an answer leads to`, async () => {
      const { routing, deciding } = await through(noticesOf(name));
      assert.ok(routing.length > 0 && deciding.domains > 0);
      for (const reads of routing) assert.ok(reads <= 3, `${reads} reads to route`);
      assert.equal(deciding.reads, deciding.claims, 'whether there are objects is all that deciding asks');
    });

    it(`${name}, with objects: once more for each domain`, async () => {
      const { routing, deciding } = await through([...noticesOf(name, 'objects-watch.jsonl'), ...noticesOf(name)]);
      for (const reads of routing) assert.ok(reads <= 4, `${reads} reads to route`);
      assert.equal(deciding.reads, deciding.claims + deciding.domains);
    });
  }
});
