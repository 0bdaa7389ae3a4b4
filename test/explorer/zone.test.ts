/** Times in a zone, and ticks at its round hours. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Zone } from '../../functions/explorer/html/zone.ts';

const berlin = Zone.of('Europe/Berlin') ?? assert.fail();
const at = Date.parse('2026-11-26T23:30:05.118Z') * 1_000;
const hour = 3_600_000_000;

describe('Zone', () => {
  it('shows times and days of the zone', () => {
    assert.equal(berlin.exact(at), '00:30:05.118');
    assert.equal(berlin.brief(at, at + hour), '00:30:05');
    assert.equal(berlin.brief(at, at + 24 * hour), '27 Nov 00:30:05');
    assert.equal(berlin.city, 'Berlin');
  });

  it('is null for what is no zone', () => {
    for (const name of ['Mars/Olympus', '', '../etc', 'x'.repeat(100)]) assert.equal(Zone.of(name), null);
  });

  it('puts ticks at round times of the zone, no more than asked for', () => {
    const kolkata = Zone.of('Asia/Kolkata') ?? assert.fail();
    const ticks = kolkata.ticks({ from: at, to: at + 24 * hour }, 12);
    assert.ok(ticks.length > 4 && ticks.length <= 13);
    for (const tick of ticks) assert.match(kolkata.clock(tick.at), /^\d\d:00:00$/);
    assert.ok(ticks.some(({ label }) => label === '28 Nov'));
  });
});
