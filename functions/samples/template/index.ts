/** A function of your own: change its name, its types and its reply. */
import { defineFunction, segmentType } from 'knspan/extension';

export default defineFunction({
  name: 'my-function',
  types: [segmentType],
  replies: [`${segmentType}.marked`],
  handle: ({ segment }) => {
    const slow = segment.spans.some((span) => span.end - span.start > 60_000_000);
    return { type: `${segmentType}.marked`, extensions: { slow: String(slow) } };
  },
});
