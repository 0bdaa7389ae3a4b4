/** Tail sampling in a few lines: flips a coin per trace, derived from the trace id, so that all its segments show the same side. */
import { defineFunction, segmentType } from 'knspan/extension';

export default defineFunction({
  name: 'coinflip',
  types: [segmentType],
  replies: [`${segmentType}.flipped`],
  handle: ({ segment }) => ({
    type: `${segmentType}.flipped`,
    extensions: { flip: Number.parseInt(segment.traceId.slice(-1), 16) % 2 === 0 ? 'heads' : 'tails' },
  }),
});
