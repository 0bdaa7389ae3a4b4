/** `/traces/A?with=B`: two changes side by side, phase by phase on one scale, and in a sentence what differs. */
import { type HistoryTrace, readTrace, type TraceSpan } from '../../../shared/history/queries/trace.ts';
import { samplesMin, type UsualPhase, usualPhases } from '../../../shared/history/queries/usual.ts';
import { percent } from '../charts/axis.ts';
import { phaseClass } from '../charts/waterfall.ts';
import { objectLink, traceLink } from '../html/addresses.ts';
import { type Html, html, link, nothing } from '../html/html.ts';
import { outcomeClass, outcomeWord } from '../html/outcome.ts';
import type { PageQuery } from '../html/page-query.ts';
import { cut, placeText } from '../html/text.ts';
import type { PageAnswer, PageContext } from './page.ts';
import { msText, timesText, timesUsual, total } from './usual.ts';

/** In the order in which a change goes through them; others after. */
const order = [total, 'schedule', 'provision', 'attach', 'pull', 'container', 'ready', 'run', 'backoff', 'stop'];
/** So much more than the other is worth a word. */
const clearlyMs = 1_000;
const clearlyTimes = 1.5;

/** Null: one of them is not there. */
export async function compare({ database, scope, query }: PageContext, ids: readonly [string, string]): Promise<PageAnswer | null> {
  const found = await Promise.all(ids.map((id) => readTrace(database, scope, id)));
  const [before, after] = found.flatMap((one) => one ?? []).sort((a, b) => a.trace.start - b.trace.start);
  if (before === undefined || after === undefined) return null;
  const phases = await usualPhases(database, scope, [before.trace.traceId, after.trace.traceId]);
  const of = ({ trace }: HistoryTrace) => new Map(phases.filter(({ traceId }) => traceId === trace.traceId).map((one) => [one.phase, one]));
  const [left, right] = [of(before), of(after)];
  const { trace } = after;
  const content = html`<div class="head"><div><h1>${trace.kind} <a class="quiet" href="${link(objectLink(query, { ...trace, uid: trace.rootUid }))}"><code>${cut(placeText(trace), 160)}</code></a>: ${trace.change ?? 'change'} against an earlier one</h1>
<p class="facts">${whichOf(query, before)} · ${whichOf(query, after)}</p></div></div>
${table(query, [before, after], left, right)}
<section class="card differs"><b>What differs:</b> ${differences(before, after)}</section>`;
  return {
    kind: 'page',
    page: { title: 'Compare', content, live: false, ranged: false },
    data: { before: before.trace, after: after.trace, phases },
  };
}

function whichOf(query: PageQuery, { trace }: HistoryTrace): Html {
  const { traceId, start, outcome } = trace;
  return html`<a href="${link(traceLink(query, traceId))}">${query.zone.full(start)}</a> <span class="verdict ${outcomeClass(outcome)}">${outcomeWord(outcome)}</span>`;
}

type Phases = ReadonlyMap<string, UsualPhase>;

function table(query: PageQuery, [before, after]: readonly [HistoryTrace, HistoryTrace], left: Phases, right: Phases): Html {
  const names = [...new Set([...left.keys(), ...right.keys()])].filter((name) => name !== 'rollout');
  const sorted = names.toSorted((a, b) => placeOf(a) - placeOf(b) || a.localeCompare(b));
  // The whole change would make all its phases small.
  const most = Math.max(
    1,
    ...[...left.values(), ...right.values()].filter(({ phase }) => phase !== total && phase !== 'rollout').map(({ tookMs }) => tookMs),
  );
  const side = (phase: UsualPhase | undefined) =>
    html`<td class="took">${phase === undefined ? '–' : msText(phase.tookMs)}</td><td class="side">${
      phase === undefined || phase.phase === total
        ? nothing
        : html`<svg height="14" aria-hidden="true"><rect class="phase ${phaseClass(phase.phase)}" x="0" y="2" width="${percent(phase.tookMs / most)}" height="10" rx="2"/></svg>`
    }</td>`;
  const { zone, now } = query;
  return html`<section class="card"><table class="compare"><caption class="hidden">The longest span of each phase</caption>
<thead><tr><th scope="col">phase</th><th scope="col" class="took">${zone.brief(before.trace.start, now)}</th><td></td><th scope="col" class="took">${zone.brief(after.trace.start, now)}</th><td></td><th scope="col">against usual</th></tr></thead>
<tbody>${sorted.map((name) => html`<tr><th scope="row">${name === total ? 'all of it' : name}</th>${side(left.get(name))}${side(right.get(name))}<td>${verdict(left.get(name), right.get(name))}</td></tr>`)}</tbody></table></section>`;
}

function placeOf(phase: string): number {
  const place = order.indexOf(phase);
  return place < 0 ? order.length : place;
}

function verdict(before: UsualPhase | undefined, after: UsualPhase | undefined): Html {
  if (after === undefined) return html`<span class="${before?.phase === 'ready' ? 'bad' : 'muted'}">never</span>`;
  const times = timesUsual(after);
  if (times !== null) return html`<b class="slow">${timesText(times)}</b>`;
  if (before === undefined) return html`<b class="${after.phase === 'backoff' ? 'bad' : 'slow'}">new</b>`;
  if (after.tookMs > before.tookMs * clearlyTimes && after.tookMs > before.tookMs + clearlyMs)
    return html`<b class="slow">${(after.tookMs / Math.max(1, before.tookMs)).toFixed(1)} × the other</b>`;
  if (after.p50Ms !== null && after.samples >= samplesMin) return html`<span class="muted">as usual, ${msText(after.p50Ms)}</span>`;
  return html`<span class="muted">as before</span>`;
}

const facts: readonly (readonly [name: string, attribute: string])[] = [
  ['image', 'container.image.name'],
  ['node', 'k8s.node.name'],
];

function differences(before: HistoryTrace, after: HistoryTrace): Html {
  const found: Html[] = [];
  const same: string[] = [];
  const note = (name: string, one: readonly string[], other: readonly string[]) => {
    if (one.length === 0 && other.length === 0) return;
    const [left, right] = [one, other].map((values) => values.toSorted().join(', '));
    if (left === right) same.push(name);
    else
      found.push(
        html`${name} <code>${cut(left === '' ? 'none' : (left ?? ''), 200)}</code> → <code>${cut(right === '' ? 'none' : (right ?? ''), 200)}</code>`,
      );
  };
  for (const [name, attribute] of facts) note(name, valuesOf(before.spans, attribute), valuesOf(after.spans, attribute));
  note('replicas', replicasOf(before.spans), replicasOf(after.spans));
  note('by', texts(before.trace.actor), texts(after.trace.actor));
  note('outcome', [outcomeWord(before.trace.outcome)], [outcomeWord(after.trace.outcome)]);
  note('cause', texts(before.trace.cause), texts(after.trace.cause));
  const list = found.length === 0 ? html`nothing that Events tell` : found.map((one, index) => html`${index > 0 ? '; ' : ''}${one}`);
  return html`${list}${same.length === 0 ? nothing : html`<span class="muted">; the same: ${same.join(', ')}</span>`}`;
}

function texts(text: string | null): string[] {
  return text === null || text === '' ? [] : [text];
}

const valuesMax = 5;

function valuesOf(spans: readonly TraceSpan[], attribute: string): string[] {
  const values = spans.flatMap(({ attributes }) => attributes[attribute] ?? []).filter((value) => typeof value === 'string');
  return [...new Set(values)].slice(0, valuesMax);
}

/** The most that any ReplicaSet was scaled to. */
function replicasOf(spans: readonly TraceSpan[]): string[] {
  const counts = spans.flatMap(({ attributes }) => attributes['knspan.replicas.to'] ?? []).filter((value) => typeof value === 'number');
  return counts.length === 0 ? [] : [String(Math.max(...counts))];
}
