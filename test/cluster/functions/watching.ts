/** Reports the traces that it has received. */
import { defineFunction, segmentType } from 'knspan/extension';

export default defineFunction({
  name: 'watching',
  types: [segmentType],
  handle: ({ segment }) => {
    process.stdout.write(`saw ${segment.traceId}\n`);
  },
});
