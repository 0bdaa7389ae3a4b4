/** The coin of Knative's demonstration: flipped for each heartbeat, and again while it shows heads. It receives its own replies. */
import { createHash } from 'node:crypto';
import { defineFunction } from 'knspan/extension';

const flip = 'dev.knspan.demo.flip';

export default defineFunction({
  name: 'coinflip-game',
  types: ['dev.knspan.demo.heartbeat', flip],
  replies: [flip],
  loops: true,
  hopsMost: 16,
  configure: ({ metrics }) => metrics.counter('knspan_flips_total', 'Coins flipped', { flip: ['heads', 'tails'] }),
  handle: ({ source, id }, flips) => {
    // Derived from the event: a redelivery must show the same side.
    const digest = createHash('sha256').update(`${source} ${id}`).digest();
    const side = (digest[0] ?? 0) % 2 === 0 ? 'heads' : 'tails';
    flips.add({ flip: side });
    return { type: flip, extensions: { flip: side } };
  },
});
