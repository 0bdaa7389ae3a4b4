/** Always fails: throws at one trace, ends its process at the next. */
import { defineFunction, segmentType } from 'knspan/extension';

export default defineFunction({
  name: 'crashing',
  types: [segmentType],
  handle: ({ segment }) => {
    if (Number.parseInt(segment.traceId.slice(-1), 16) % 4 === 0) process.exit(1);
    throw new Error('broken');
  },
});
