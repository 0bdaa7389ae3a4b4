/** Flips a coin for each trace: the same side for all its segments, since it is taken from the trace id. Tail sampling in a few lines. */
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
