/** `/traces/ID`: one change as a waterfall, why each span is where it is, and its Events as they were. */
import { counted, durationText } from '../../../shared/events/quantity.ts';
import { type Change, listChanges } from '../../../shared/history/queries/changes.ts';
import type { Range } from '../../../shared/history/queries/filter.ts';
import { type HistoryTrace, readTrace, type TraceSpan } from '../../../shared/history/queries/trace.ts';
import { eventsOfTrace } from '../../../shared/history/queries/trace-events.ts';
import { samplesMin, type UsualPhase, usualPhases } from '../../../shared/history/queries/usual.ts';
import { minimap, waterfall } from '../charts/waterfall.ts';
import { objectLink, traceLink } from '../html/addresses.ts';
import { type Html, html, link, nothing, type Part } from '../html/html.ts';
import { isBad, outcomeClass, outcomeMark, outcomeWord } from '../html/outcome.ts';
import { linkTo, linkToPage, type PageQuery } from '../html/page-query.ts';
import { cut, number, placeText, tidy } from '../html/text.ts';
import { compare } from './compare.ts';
import type { PageAnswer, PageContext, PageRoute } from './page.ts';
import { spanPanel } from './span-panel.ts';
import { refused } from './states.ts';
import { nodeOf, rowsOf, type SpanNode, spanIdsOf, treeOf } from './trace-tree.ts';
import { msText, timesText, timesUsual, total } from './usual.ts';

export const traceParameters = ['tz', 'span', 'level', 'errors', 'fold', 'from', 'to', 'with'] as const;
export const traceIdForm = /^[0-9a-f]{32}$/;

export const tracePage: PageRoute = { path: '/traces/[^/]+', parameters: traceParameters, answer: trace };

const eventsMax = 200;
const monthMicros = 30 * 86_400_000_000;
const levelsMax = 3;

async function trace(context: PageContext): Promise<PageAnswer> {
  const { database, scope, query, segments } = context;
  const traceId = (segments[0] ?? '').toLowerCase();
  if (!traceIdForm.test(traceId))
    return refused({ path: '/changes' }, `Cannot show trace '${cut(traceId, 50)}': wanted 32 hexadecimal digits`);
  const other = query.parameters.get('with')?.toLowerCase();
  if (other !== undefined) {
    if (!traceIdForm.test(other))
      return refused(query, `Cannot compare with '${cut(other, 50)}': wanted the 32 hexadecimal digits of a trace`);
    return (await compare(context, [traceId, other])) ?? unknownTrace;
  }
  const options = optionsOf(query);
  if ('reason' in options) return refused(query, options.reason);
  const found = await readTrace(database, scope, traceId);
  if (found === null) return unknownTrace;
  const roots = treeOf(found.spans);
  const selected = selectedOf(query, found, roots);
  if (selected === 'unknown')
    return refused(query, `Cannot show span '${cut(query.parameters.get('span') ?? '', 50)}': this trace has no such span`);
  const [phases, events, earlier] = await Promise.all([
    usualPhases(database, scope, [traceId]),
    selected === null
      ? []
      : eventsOfTrace(database, scope, found.trace, selected.span.parentId === null ? null : spanIdsOf(selected), eventsMax),
    earlierChange(context, found.trace),
  ]);
  const panel = selected === null ? nothing : await spanPanel(context, found.trace, selected, phases, events);
  const whole = { from: found.trace.start, to: Math.max(found.trace.end, found.trace.start + 1_000) };
  const range = query.parameters.has('from') && query.parameters.has('to') ? within(query.range, whole) : whole;
  const chosen = query.parameters.get('span');
  const rows = rowsOf(roots, { ...options, selected: chosen });
  const selectedId = selected?.span.spanId ?? null;
  const content = html`${head(context, found, phases, earlier)}
<div class="with-panel"><section class="card" aria-label="Waterfall">
${found.spans.length > 10 || range !== whole ? minimap(query, found.spans, range, whole) : nothing}
${waterfall(query, { rows, range, whole, selected: selectedId, phases })}</section>
${panel}</div>`;
  const title = `${found.trace.kind} ${placeText(found.trace)}: ${found.trace.change ?? 'change'}`;
  return { kind: 'page', page: { title, content, live: false, ranged: false }, data: { ...found, phases, events } };
}

const unknownTrace: PageAnswer = {
  kind: 'refused',
  status: 404,
  reason: 'This trace is not settled yet, or older than the retention.',
  way: { href: '/events', text: 'Its Events may be here already' },
};

function optionsOf({
  parameters,
}: PageQuery): { readonly level: number | null; readonly errorsOnly: boolean; readonly folded: boolean } | { readonly reason: string } {
  const level = parameters.get('level');
  if (level !== null && !/^[1-9]\d?$/.test(level)) return { reason: `Cannot use level '${cut(level, 20)}': wanted 1 to 99` };
  for (const name of ['errors', 'fold'])
    if (!['0', '1', null].includes(parameters.get(name)))
      return { reason: `Cannot use ${name} '${cut(parameters.get(name) ?? '', 20)}': wanted 1 or 0` };
  return {
    level: level === null ? null : Number(level),
    errorsOnly: parameters.get('errors') === '1',
    folded: parameters.get('fold') !== '0',
  };
}

/** By the address; else, of a change that failed, the first span without failed ones below it; else the root. */
function selectedOf(
  { parameters }: PageQuery,
  { trace: { outcome, cause } }: HistoryTrace,
  roots: readonly SpanNode[],
): SpanNode | null | 'unknown' {
  const given = parameters.get('span');
  if (given !== null) return nodeOf(roots, given.toLowerCase()) ?? 'unknown';
  const root = roots[0] ?? null;
  if (!isBad(outcome)) return root;
  const leaves: SpanNode[] = [];
  const waiting = roots.toReversed();
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.span.failed && node.children.every(({ failures }) => failures === 0)) leaves.push(node);
    waiting.push(...node.children.toReversed());
  }
  return leaves.find(({ span }) => cause !== null && cause !== '' && (span.statusMessage ?? '').includes(cause)) ?? leaves[0] ?? root;
}

function within({ from, to }: Range, whole: Range): Range {
  const range = { from: Math.max(from, whole.from), to: Math.min(to, whole.to) };
  return range.from < range.to ? range : whole;
}

/** The last one of the same workload and kind of change that ended well, else the last one. */
async function earlierChange(
  { database, scope }: PageContext,
  { traceId, namespace, kind, name, change, start }: Change,
): Promise<Change | null> {
  if (change === null) return null;
  const filter = { namespaces: [namespace], kinds: [kind], name, changes: [change] };
  const earlier = (await listChanges(database, scope, { filter, range: { from: start - monthMicros, to: start }, limit: 50 })).filter(
    (one) => one.name === name && one.traceId !== traceId,
  );
  return earlier.find(({ outcome }) => outcome === 'ok') ?? earlier[0] ?? null;
}

function head(
  { query, traceUrl }: PageContext,
  { trace: change, spans, linked }: HistoryTrace,
  phases: readonly UsualPhase[],
  earlier: Change | null,
): Html {
  const { zone } = query;
  const { kind, outcome, cause, trouble, actor, start, end, events, traceId } = change;
  const facts: Part[] = [
    html`${actor === null ? nothing : html`by <b>${cut(actor, 80)}</b> `}<time title="${zone.full(start)} – ${zone.full(end)} ${zone.name}">${zone.full(start)}</time>`,
    end - start > 1 ? html`${durationText(end - start)}${usually(phases)}` : nothing,
    events === null ? nothing : counted(events, 'event'),
    imagesOf(spans),
  ];
  const why = tidy(cause ?? trouble ?? '');
  return html`<div class="head"><div>
<h1>${kind} <a class="quiet" href="${link(objectLink(query, { ...change, uid: change.rootUid }))}"><code>${cut(placeText(change), 160)}</code></a>: ${change.change ?? html`<span class="muted">root span not here yet</span>`} <span class="${outcomeClass(outcome)} verdict">${outcomeWord(outcome)}</span></h1>
<p class="facts">${facts.filter((fact) => fact !== nothing).map((fact, index) => html`${index > 0 ? ' · ' : ''}${fact}`)}</p>
${why === '' ? nothing : html`<p class="cause ${isBad(outcome) ? 'bad' : ''}"><span class="muted">${isBad(outcome) ? 'because' : 'on the way:'}</span> ${cut(why, 600)}</p>`}
${linkedOf(query, traceId, linked)}</div>
${tools(query, change, spans, earlier, traceUrl)}</div>`;
}

function usually(phases: readonly UsualPhase[]): Html {
  const whole = phases.find(({ phase }) => phase === total);
  if (!whole || whole.p50Ms === null || whole.p95Ms === null || whole.samples < samplesMin) return nothing;
  const times = timesUsual(whole);
  return html`, usually ${msText(whole.p50Ms)} (p50), ${msText(whole.p95Ms)} (p95)${times === null ? nothing : html` <b class="slow">${timesText(times)}</b>`}`;
}

const imagesMax = 2;

function imagesOf(spans: readonly TraceSpan[]): Html {
  const images = [...new Set(spans.flatMap(({ attributes }) => attributes['container.image.name'] ?? []))].filter(
    (name) => typeof name === 'string',
  );
  if (images.length === 0) return nothing;
  const more = images.length > imagesMax ? ` and ${images.length - imagesMax} more` : '';
  return html`image ${images.slice(0, imagesMax).map((name, index) => html`${index > 0 ? ', ' : ''}<code>${cut(name, 100)}</code>`)}${more}`;
}

function linkedOf(query: PageQuery, traceId: string, linked: readonly Change[]): Html {
  const others = linked.filter((one) => one.traceId !== traceId);
  if (others.length === 0) return nothing;
  const shown = others
    .slice(0, 6)
    .map(
      (one) =>
        html`<li><a href="${link(traceLink(query, one.traceId))}">${one.kind} <code>${cut(placeText(one), 60)}</code>: ${one.change ?? 'change'}</a> ${outcomeMark(one.outcome)}</li>`,
    );
  return html`<ul class="linked" aria-label="Linked changes">${shown}${others.length > 6 ? html`<li class="muted">${number(others.length - 6)} more</li>` : nothing}</ul>`;
}

function tools(
  query: PageQuery,
  { traceId, change }: Change,
  spans: readonly TraceSpan[],
  earlier: Change | null,
  traceUrl: string | null,
): Html {
  const errors = spans.filter(({ failed }) => failed).length;
  const isErrors = query.parameters.get('errors') === '1';
  const level = query.parameters.get('level');
  const levels = [...Array.from({ length: levelsMax }, (_, index) => String(index + 1)), null].map(
    (one) =>
      html` <a href="${link(linkTo(query, { level: one }))}"${one === level ? html` aria-current="true"` : nothing}>${one ?? 'all'}</a>`,
  );
  return html`<div class="tools">
${errors === 0 ? nothing : html`<a class="button${isErrors ? ' on' : ''} bad" href="${link(linkTo(query, { errors: isErrors ? null : '1', span: null }))}">errors ${number(errors)}</a>`}
<span class="button">levels${levels}</span>
${earlier === null ? nothing : html`<a class="button" href="${link(linkToPage(query, query.path, ['tz'], { with: earlier.traceId }))}">compare with ${query.zone.brief(earlier.start, query.now)} ${change ?? ''}</a>`}
${traceUrl === null ? nothing : html`<a class="button" href="${link(traceUrl.replaceAll('{traceId}', traceId))}" rel="noreferrer" target="_blank">Jaeger<span aria-hidden="true"> ↗</span></a>`}
<button type="button" class="button" id="copy-link">copy link</button></div>`;
}
