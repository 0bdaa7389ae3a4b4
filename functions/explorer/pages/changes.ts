/** `/changes`, the home: what fails now, when things changed, and the list of changes with how they ended, why, and whether they were slow. */
import { durationText } from '../../../shared/events/quantity.ts';
import { isTooMuch } from '../../../shared/history/database.ts';
import { type ChangeLane, changeLanes } from '../../../shared/history/queries/change-bars.ts';
import { type ChangeFacet, changeFacets } from '../../../shared/history/queries/change-facets.ts';
import { type Change, type ChangeCursor, type ChangeFilter, listChanges } from '../../../shared/history/queries/changes.ts';
import { type Failing, failingNow } from '../../../shared/history/queries/failing-now.ts';
import { historyBegins } from '../../../shared/history/queries/status.ts';
import { slowChanges, slowComparedMax, type UsualPhase, usualPhases } from '../../../shared/history/queries/usual.ts';
import { lanesChart, lanesShown } from '../charts/lanes.ts';
import { type Html, html, nothing } from '../html/html.ts';
import { outcomes } from '../html/outcome.ts';
import { filterParameters, type PageQuery, rangeParameters } from '../html/page-query.ts';
import { changeTable } from './change-table.ts';
import { type Facet, rail, switchLink } from './facets.ts';
import { failingStrip } from './failing-strip.ts';
import type { PageAnswer, PageContext, PageRoute } from './page.ts';
import { emptyState, refused } from './states.ts';

const rowsPerPage = 50;
const barsMax = 1_000;
const failingMax = 20;
const failingWithinMicros = 15 * 60_000_000;
export const sorts = ['slow', 'took'] as const;

export const changesPage: PageRoute = {
  path: '/changes',
  parameters: [...filterParameters, ...rangeParameters, 'before', 'sort', 'lanes'],
  answer: changes,
};

export interface ListedChange extends Change {
  readonly phases: readonly UsualPhase[];
}

async function changes(context: PageContext): Promise<PageAnswer> {
  const { database, scope, query } = context;
  const { parameters, range, now } = query;
  const sort = parameters.get('sort');
  if (sort !== null && !sorts.some((one) => one === sort))
    return refused(query, `Cannot sort by '${sort.slice(0, 50)}': wanted slow or took`);
  const before = cursorOf(parameters.get('before'));
  if (before === 'broken') return refused(query, 'Cannot continue the list here: the link is broken');
  const filter: ChangeFilter = { ...query.filter, ...(query.withDeleted ? {} : { withoutDeleted: true }) };
  const [lanes, facets, failing, list] = await Promise.all([
    changeLanes(database, scope, filter, range, barsMax),
    facetsOf(context, filter),
    query.isRelative ? failingNow(database, scope, query.filter, now - failingWithinMicros, failingMax + 1) : [],
    listOf(context, filter, sort, before),
  ]);
  const rows = list.slice(0, rowsPerPage);
  const next = sort === null && list.length > rowsPerPage ? rows.at(-1) : undefined;
  const begins = rows.length === 0 ? await historyBegins(database) : null;
  const content = html`<h1 class="hidden">Changes</h1><div class="with-rail">
${rail(query, facetsShown(facets ?? []), switches(query))}
<div class="column">
${failingStrip(query, failing.slice(0, failingMax), failing.length > failingMax)}
${lanes.length > 0 ? lanesChart(query, lanes, parameters.get('lanes') === 'all' ? lanes.length : lanesShown, isPartial(lanes)) : nothing}
${rows.length > 0 ? changeTable(query, rows, next ? cursorText(next) : null) : emptyState(query, 'change', begins)}
</div></div>`;
  return {
    kind: 'page',
    page: { title: 'Changes', content, live: before === null, ranged: true },
    data: dataOf(rows, facets ?? [], failing, next),
  };
}

function isPartial(lanes: readonly ChangeLane[]): boolean {
  return lanes.reduce((sum, { bars }) => sum + bars.length, 0) >= barsMax;
}

/** One more than a page. */
async function listOf(
  { database, scope, query }: PageContext,
  filter: ChangeFilter,
  sort: string | null,
  before: ChangeCursor | null,
): Promise<ListedChange[]> {
  const { range } = query;
  const limit = sort === null ? rowsPerPage + 1 : slowComparedMax;
  const changes = await listChanges(database, scope, { filter, range, limit, ...(before ? { before } : {}) });
  const sorted = sort === 'took' ? changes.toSorted((a, b) => b.end - b.start - (a.end - a.start)) : changes;
  const listed = sort === 'slow' ? await slowOf({ database, scope }, filter, range, sorted) : sorted.slice(0, rowsPerPage + 1);
  const phases = Map.groupBy(
    await usualPhases(
      database,
      scope,
      listed.map(({ traceId }) => traceId),
    ),
    ({ traceId }) => traceId,
  );
  return listed.map((change) => ({ ...change, phases: phases.get(change.traceId) ?? [] }));
}

/** The most conspicuous first. */
async function slowOf(
  { database, scope }: Pick<PageContext, 'database' | 'scope'>,
  filter: ChangeFilter,
  range: PageQuery['range'],
  changes: readonly Change[],
): Promise<Change[]> {
  const byId = new Map(changes.map((change) => [change.traceId, change]));
  const slow = await slowChanges(database, scope, filter, range, rowsPerPage);
  return slow.flatMap(({ traceId }) => byId.get(traceId) ?? []);
}

const facetParameters = {
  clusters: 'cluster',
  namespaces: 'namespace',
  kinds: 'kind',
  changes: 'change',
  outcomes: 'outcome',
  actors: 'actor',
} as const;

/** Null: too many to count in time. Where one is chosen, the counts beside it are those that the choice would have. */
async function facetsOf({ database, scope, query }: PageContext, filter: ChangeFilter): Promise<ChangeFacet[] | null> {
  const count = (of: ChangeFilter) => changeFacets(database, scope, of, query.range);
  const chosen = Object.entries(facetParameters).filter(([field]) => field in filter);
  try {
    const [all, ...each] = await Promise.all([
      count(filter),
      ...chosen.map(async ([field, facet]) => {
        const rest = Object.fromEntries(Object.entries(filter).filter(([name]) => name !== field));
        return (await count(rest)).filter((row) => row.facet === facet);
      }),
    ]);
    const replaced = chosen.map(([, facet]) => facet);
    return [...all.filter(({ facet }) => !replaced.some((one) => one === facet)), ...each.flat()];
  } catch (error) {
    if (isTooMuch(error)) return null;
    throw error;
  }
}

function facetsShown(rows: readonly ChangeFacet[]): Facet[] {
  const values = (facet: string) => rows.filter((row) => row.facet === facet);
  const inOrder = outcomes.flatMap((name) => values('outcome').filter(({ value }) => value === name));
  return [
    { title: 'Outcome', parameter: 'outcome', values: inOrder, classOf: (value) => value, withoutAll: true },
    { title: 'Namespace', parameter: 'ns', values: values('namespace'), empty: '(cluster)' },
    { title: 'Kind', parameter: 'kind', values: values('kind'), withoutAll: true },
    { title: 'Change', parameter: 'change', values: values('change'), withoutAll: true },
    { title: 'By', parameter: 'by', values: values('actor'), withoutAll: true },
  ];
}

function switches(query: PageQuery): Html {
  return html`<div class="switches">${switchLink(query, 'Failed only', query.failedOnly, 'failed', '1', null)}${switchLink(query, 'With deleted', query.withDeleted, 'deleted', null, '0')}</div>`;
}

function cursorText({ end, traceId }: Change): string {
  return `${end}.${traceId}`;
}

function cursorOf(text: string | null): ChangeCursor | null | 'broken' {
  if (text === null) return null;
  const [, end = '', traceId = ''] = /^(\d{1,16})\.([0-9a-f]{32})$/.exec(text) ?? [];
  return end === '' ? 'broken' : { end: Number(end), traceId };
}

function dataOf(
  rows: readonly ListedChange[],
  facets: readonly ChangeFacet[],
  failing: readonly Failing[],
  next: Change | undefined,
): unknown {
  const changes = rows.map((row) => ({ ...row, took: durationText(row.end - row.start) }));
  return { changes, facets, failingNow: failing, before: next ? cursorText(next) : null };
}
