/** `/events`: Events over time, failed ones apart, by namespace and kind; as rows, or as the objects that they are about. */
import { isTooMuch } from '../../../shared/history/database.ts';
import { type EventFacet, eventFacets } from '../../../shared/history/queries/event-facets.ts';
import { type EventHistogram, eventHistogram } from '../../../shared/history/queries/event-histogram.ts';
import { type EventCursor, type EventList, listEvents } from '../../../shared/history/queries/event-rows.ts';
import type { Filter, Range } from '../../../shared/history/queries/filter.ts';
import { type LatestObject, latestObjects, type ObjectCursor, objectsWithin } from '../../../shared/history/queries/objects.ts';
import { historyBegins } from '../../../shared/history/queries/status.ts';
import { histogram, totals } from '../charts/histogram.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { filterParameters, linkTo, type PageQuery, rangeParameters, timeOf } from '../html/page-query.ts';
import { cut, number } from '../html/text.ts';
import { messageList, shapesOf } from './bucket.ts';
import { cursorOfEvent, cursorOfObject, eventTable, latestList, objectTable } from './event-tables.ts';
import { type Facet, rail, switchLink } from './facets.ts';
import type { PageAnswer, PageContext, PageRoute } from './page.ts';
import { emptyState, refused } from './states.ts';
import { isTooFine, stepOf, steps, wholeSteps } from './steps.ts';

export const eventParameters = [
  ...filterParameters.filter((name) => name !== 'change' && name !== 'outcome' && name !== 'by'),
  ...rangeParameters,
  'before',
  'step',
  'view',
  'sort',
  'bucket',
] as const;

export const eventsPage: PageRoute = { path: '/events', parameters: eventParameters, answer: events };

const rowsPerPage = 100;
const railObjects = 8;

type View =
  | { readonly kind: 'rows'; readonly list: EventList; readonly latest: readonly LatestObject[] }
  | { readonly kind: 'objects'; readonly objects: readonly LatestObject[] };

async function events(context: PageContext): Promise<PageAnswer> {
  const { database, query } = context;
  const { parameters, range } = query;
  const options = optionsOf(query);
  if ('reason' in options) return refused(query, options.reason);
  const { step, pinned } = options;
  const whole = wholeSteps(range, step);
  const bucket = pinned === null ? null : { from: pinned, to: pinned + step };
  const [counts, facets, view, shapes] = await Promise.all([
    countsOf(context, whole, step),
    facetsOf(context),
    options.view === 'objects' ? objectsView(context, options.beforeObject) : rowsView(context, options.beforeEvent, options.oldest),
    bucket === null ? null : shapesOf(context, bucket),
  ]);
  const rows = view.kind === 'rows' ? view.list.events : view.objects;
  const begins = rows.length === 0 ? await historyBegins(database) : null;
  const content = html`<h1 class="hidden">Events</h1><div class="with-rail">
${rail(query, facetsShown(facets), switches(query, view), view.kind === 'rows' ? latestList(query, view.latest) : nothing)}
<div class="column">
${chart(query, counts, whole, step, pinned)}
${bucket === null ? nothing : html`<section class="card pinned-bucket" aria-label="Messages of one bar">${messageList(query, bucket, shapes)}</section>`}
${rows.length === 0 ? emptyState(query, 'Event', begins) : view.kind === 'rows' ? eventTable(query, view.list, rowsPerPage) : objectTable(query, view.objects, rowsPerPage)}
</div></div>`;
  const data = {
    histogram: counts?.buckets ?? null,
    stepSeconds: step / 1e6,
    facets,
    ...(view.kind === 'rows' ? { events: rows.slice(0, rowsPerPage) } : { objects: rows.slice(0, rowsPerPage) }),
  };
  return {
    kind: 'page',
    page: { title: 'Events', content, live: !parameters.has('before') && pinned === null && !options.oldest, ranged: true },
    data,
  };
}

interface EventOptions {
  readonly step: number;
  readonly view: 'rows' | 'objects';
  readonly oldest: boolean;
  readonly pinned: number | null;
  readonly beforeEvent: EventCursor | null;
  readonly beforeObject: ObjectCursor | null;
}

function optionsOf({ parameters, range, now }: PageQuery): EventOptions | { readonly reason: string } {
  const get = (name: string) => parameters.get(name);
  const step = stepOf(get('step'), range);
  if (step === null) return { reason: `Cannot use step '${cut(get('step') ?? '', 20)}': wanted ${Object.keys(steps).join(', ')}` };
  if (isTooFine(step, range)) return { reason: `Cannot use step ${get('step')} for so long a range: wanted a longer step, or auto` };
  const view = get('view') ?? 'rows';
  if (view !== 'rows' && view !== 'objects') return { reason: `Cannot use view '${cut(view, 20)}': wanted rows or objects` };
  const sort = get('sort') ?? 'newest';
  if (sort !== 'newest' && sort !== 'oldest') return { reason: `Cannot sort by '${cut(sort, 20)}': wanted newest or oldest` };
  const pinned = get('bucket') === null ? null : timeOf(get('bucket') ?? '', now);
  if (get('bucket') !== null && pinned === null) return { reason: `Cannot show bucket '${cut(get('bucket') ?? '', 40)}': wanted a time` };
  const before = get('before');
  const beforeEvent = before === null ? null : cursorOfEvent(before);
  const beforeObject = before === null ? null : cursorOfObject(before);
  if (before !== null && (view === 'rows' ? beforeEvent : beforeObject) === null)
    return { reason: 'Cannot continue the list here: the link is broken' };
  return { step, view, oldest: sort === 'oldest', pinned, beforeEvent, beforeObject };
}

/** Null: too many to count in time. */
async function countsOf({ database, scope, query }: PageContext, range: Range, step: number): Promise<EventHistogram | null> {
  try {
    return await eventHistogram(database, scope, query.filter, range, step / 1_000);
  } catch (error) {
    if (isTooMuch(error)) return null;
    throw error;
  }
}

async function rowsView({ database, scope, query }: PageContext, before: EventCursor | null, oldestFirst: boolean): Promise<View> {
  const { filter, failedOnly, range } = query;
  const [list, latest] = await Promise.all([
    listEvents(database, scope, { filter, failedOnly, range, oldestFirst, limit: rowsPerPage + 1, ...(before ? { before } : {}) }),
    latestObjects(database, scope, { filter: placeOf(filter), failedOnly, withDeleted: query.withDeleted, limit: railObjects }, range.from),
  ]);
  return { kind: 'rows', list, latest };
}

/** Of a range that ends now each object is in one row; of a past one its latest Events are walked. */
async function objectsView({ database, scope, query }: PageContext, before: ObjectCursor | null): Promise<View> {
  const { filter, failedOnly, withDeleted, range, isRelative } = query;
  const limit = rowsPerPage + 1;
  if (isRelative)
    return {
      kind: 'objects',
      objects: await latestObjects(
        database,
        scope,
        { filter: { ...placeOf(filter), ...nameOf(filter) }, failedOnly, withDeleted, limit, ...(before ? { before } : {}) },
        range.from,
      ),
    };
  const within = await objectsWithin(database, scope, filter, { from: range.from, to: before?.at ?? range.to }, limit);
  const shown = within.filter((one) => (!failedOnly || one.failed) && (withDeleted || (one.deletedAt === null && !one.isProbablyGone)));
  return { kind: 'objects', objects: shown };
}

function placeOf({ clusters, namespaces, kinds, name }: Filter): Filter {
  return {
    ...(clusters ? { clusters } : {}),
    ...(namespaces ? { namespaces } : {}),
    ...(kinds ? { kinds } : {}),
    ...(name ? { name } : {}),
  };
}

/** The free text is a name, where objects are listed. */
function nameOf({ name, search }: Filter): Filter {
  return name === undefined && search !== undefined ? { name: `*${search.replaceAll('"', '')}*` } : {};
}

const facetParameters = { clusters: 'cluster', namespaces: 'namespace', kinds: 'kind' } as const;

async function facetsOf({ database, scope, query }: PageContext): Promise<EventFacet[]> {
  const filter = placeOf(query.filter);
  const chosen = Object.entries(facetParameters).filter(([field]) => field in filter);
  const [all, ...each] = await Promise.all([
    eventFacets(database, scope, filter, query.range),
    ...chosen.map(async ([field, facet]) => {
      const rest = Object.fromEntries(Object.entries(filter).filter(([name]) => name !== field));
      return (await eventFacets(database, scope, rest, query.range)).filter((row) => row.facet === facet);
    }),
  ]);
  const replaced = chosen.map(([, facet]) => facet);
  return [...all.filter(({ facet }) => !replaced.some((one) => one === facet)), ...each.flat()];
}

function facetsShown(rows: readonly EventFacet[]): Facet[] {
  const values = (facet: string) =>
    rows.filter((row) => row.facet === facet).map(({ value, ok, failed }) => ({ value, count: ok + failed, failed }));
  return [
    { title: 'Namespace', parameter: 'ns', values: values('namespace'), empty: '(cluster)' },
    { title: 'Kind', parameter: 'kind', values: values('kind'), withoutAll: true },
  ];
}

function switches(query: PageQuery, view: View): Html {
  const deleted = view.kind === 'objects' ? switchLink(query, 'With deleted', query.withDeleted, 'deleted', null, '0') : nothing;
  return html`<div class="switches">${switchLink(query, 'Failed only', query.failedOnly, 'failed', '1', null)}${deleted}</div>`;
}

function chart(query: PageQuery, counts: EventHistogram | null, range: Range, step: number, pinned: number | null): Html {
  const sums = totals(counts?.buckets ?? []);
  const current = query.parameters.get('step') ?? 'auto';
  const choices = Object.keys(steps)
    .filter((name) => !isTooFine(stepOf(name, query.range) ?? 1, query.range))
    .map(
      (name) =>
        html`<a class="button${name === current ? ' on' : ''}" href="${link(linkTo(query, { step: name === 'auto' ? null : name, bucket: null }))}"${name === current ? html` aria-current="true"` : nothing}>${name.replace(/^\d+/, '$& ')}</a>`,
    );
  const views = ['rows', 'objects'].map((name) => {
    const isOn = name === (query.parameters.get('view') ?? 'rows');
    return html`<a class="button${isOn ? ' on' : ''}" href="${link(linkTo(query, { view: name === 'rows' ? null : name }))}"${isOn ? html` aria-current="true"` : nothing}>${name}</a>`;
  });
  const title =
    counts === null
      ? 'Too much to count: narrow the range'
      : html`${number(sums.ok + sums.failed)} Events, <span class="${sums.failed > 0 ? 'bad' : ''}">${number(sums.failed)} failed</span>`;
  return html`<section class="card events-chart"><div class="chart-head"><h2>${title}</h2><div class="choices" role="group" aria-label="Step">${choices}</div><div class="choices" role="group" aria-label="View">${views}</div></div>
${counts === null ? nothing : histogram(query, { buckets: counts.buckets, range, step, pinned })}</section>`;
}
