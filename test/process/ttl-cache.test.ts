/** The TTL cache: expiry, and eviction of the least recently used. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TtlCache } from '../../shared/process/ttl-cache.ts';

describe('TtlCache', () => {
  it('has the half of its bound that was set last with the latest values, and at most its bound', () => {
    const step = fc.record({ key: fc.nat(30).map(String), value: fc.nat(), removes: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 60 }), (max, steps) => {
        // Each key is asked for in a cache of its own, since that counts as a use.
        const answerFor = (wanted: string) => {
          const cache = new TtlCache<number>({ now: () => 0, max });
          for (const { key, value, removes } of steps) removes ? cache.delete(key) : cache.set(key, value);
          return cache.get(wanted);
        };
        const all = new Map<string, number>();
        for (const { key, value, removes } of steps) {
          all.delete(key);
          if (!removes) all.set(key, value);
        }
        const keys = Array.from({ length: 31 }, (_, n) => String(n));
        const found = keys.filter((key) => answerFor(key) !== undefined);
        assert.ok(found.length <= max);
        assert.ok(found.every((key) => answerFor(key) === all.get(key)));
        if (steps.some(({ removes }) => removes)) return;
        for (const [key, value] of [...all].slice(-Math.floor(max / 2))) if (max > 1) assert.equal(answerFor(key), value);
      }),
    );
  });

  it('keeps what is asked for in place of what is not', () => {
    const cache = new TtlCache<number>({ now: () => 0, max: 4 });
    cache.set('used', 1);
    for (let n = 0; n < 10; n += 1) {
      cache.set(`other-${n}`, n);
      assert.equal(cache.get('used'), 1);
    }
    assert.equal(cache.get('other-0'), undefined);
  });

  it('forgets an entry at the end of its own time to live, else of the common one, else never', () => {
    let now = 100;
    const cache = new TtlCache<string>({ now: () => now, ttlMs: 50 });
    const lasting = new TtlCache<string>({ now: () => now });
    cache.set('common', 'a');
    cache.set('own', 'b', 10);
    cache.set('short', 'c', 0.5);
    lasting.set('lasting', 'd');
    assert.deepEqual([cache.get('own'), cache.get('common'), cache.get('short')], ['b', 'a', 'c']);
    now = 101;
    assert.equal(cache.get('short'), undefined);
    now = 110;
    assert.deepEqual([cache.get('own'), cache.get('common')], [undefined, 'a']);
    now = 150;
    assert.deepEqual([cache.get('common'), lasting.get('lasting')], [undefined, 'd']);
  });

  it('purges expired entries that nobody asks for', () => {
    let now = 0;
    const values = Array.from({ length: 9_999 }, (_, n) => new WeakRef({ n }));
    const cache = new TtlCache<object>({ now: () => now, ttlMs: 10 });
    for (const [place, value] of values.entries()) cache.set(String(place), value);
    now = 20;
    cache.set('one more', {});
    now = 0;
    assert.equal(cache.get('5'), undefined);
    assert.ok(cache.get('one more'));
  });
});
