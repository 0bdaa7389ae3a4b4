/** Adds `team`, looked up by namespace in a table, to the event (for filters) and to each span (for search). */
import { defineFunction, segmentType } from 'knspan/extension';

const wanted = 'namespace=team pairs separated by commas, * for all others';

export default defineFunction({
  name: 'owner-team',
  types: [segmentType],
  replies: [`${segmentType}.owned`],
  configure: ({ settings }) => {
    const text = settings.text('KNSPAN_TEAMS', { default: '*=nobody', wanted, what: 'team that owns each namespace' });
    const pairs = text.split(',').map((pair) => pair.trim().split('='));
    if (pairs.some(([namespace, team, ...more]) => !namespace || !/^[\w.-]{1,60}$/.test(team ?? '') || more.length > 0))
      settings.fault('KNSPAN_TEAMS', text, wanted);
    return new Map(pairs.map(([namespace = '', team = '']) => [namespace, team]));
  },
  handle: ({ segment }, teams) => {
    const team = teams.get(segment.namespace) ?? teams.get('*') ?? 'nobody';
    const spans = segment.spans.map((span) => ({ ...span, attributes: { ...span.attributes, team } }));
    return { type: `${segmentType}.owned`, extensions: { team }, segment: { ...segment, spans } };
  },
});
