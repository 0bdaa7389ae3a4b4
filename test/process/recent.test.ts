/** The map that forgets: like one that remembers the newest half, and never more than its bound. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { RecentMap } from '../../shared/process/recent.ts';

it('has the newest half of its bound with their latest values, and at most its bound', () => {
  const step = fc.record({ key: fc.nat(30).map(String), value: fc.nat(), removes: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 200 }), (most, steps) => {
      const recent = new RecentMap<number>(most);
      const all = new Map<string, number>();
      for (const { key, value, removes } of steps) {
        all.delete(key);
        if (removes) recent.delete(key);
        else {
          recent.set(key, value);
          all.set(key, value);
        }
        const there = [...all].filter(([one]) => recent.get(one) !== undefined);
        assert.ok(there.length <= most);
        assert.ok(there.every(([one, latest]) => recent.get(one) === latest));
        assert.equal(recent.get(removes ? key : 'never'), undefined);
      }
      const surely = [...all].slice(-Math.floor(most / 2));
      if (most > 1 && !steps.some(({ removes }) => removes)) for (const [key, value] of surely) assert.equal(recent.get(key), value);
    }),
  );
});
