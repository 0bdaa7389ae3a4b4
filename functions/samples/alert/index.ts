/** Turns a failed change into one event with a link to its trace; a Trigger on its type delivers it to any sink. */
import { defineFunction, segmentType } from 'knspan/extension';

export default defineFunction({
  name: 'alert',
  types: [segmentType],
  replies: ['dev.knspan.alert'],
  configure: ({ settings }) => ({
    link: settings.text('KNSPAN_TRACE_URL', { default: 'http://localhost:16686/trace/{traceId}', what: 'link to a trace, with {traceId}' }),
    page: settings.optionalUrl('KNSPAN_PAGE_URL', { what: 'address of the web page of the history, for links to its traces' }),
  }),
  handle: ({ segment }, { link, page }) => {
    // Only the part with the root span has the outcome, so a change alerts once.
    const root = segment.root ? segment.spans.find(({ attributes }) => attributes['knspan.change'] !== undefined) : undefined;
    const outcome = root?.attributes['knspan.outcome'];
    if (!root || (outcome !== 'failed' && outcome !== 'failing')) return null;
    return {
      type: 'dev.knspan.alert',
      data: {
        title: root.title,
        cause: root.attributes['knspan.cause'] ?? '',
        cluster: segment.cluster,
        namespace: segment.namespace,
        kind: segment.rootKind,
        name: segment.rootName,
        startedAt: new Date(root.start / 1_000).toISOString(),
        seconds: (root.end - root.start) / 1_000_000,
        trace: link.replace('{traceId}', segment.traceId),
        ...(page === undefined ? {} : { page: new URL(`traces/${segment.traceId}`, page.replace(/\/*$/, '/')).href }),
      },
    };
  },
});
