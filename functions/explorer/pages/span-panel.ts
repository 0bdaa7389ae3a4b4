/** Beside the waterfall: the selected span in numbers, why it is where it is, and its Events as they were. */
import { stringify } from 'yaml';
import { uncertainDurationText } from '../../../shared/events/quantity.ts';
import type { Change } from '../../../shared/history/queries/changes.ts';
import { asKubernetesEvent, readEvent } from '../../../shared/history/queries/event.ts';
import type { EventListRow } from '../../../shared/history/queries/event-rows.ts';
import { samplesMin, type UsualPhase } from '../../../shared/history/queries/usual.ts';
import { phaseClass } from '../charts/waterfall.ts';
import { eventLink, objectLink } from '../html/addresses.ts';
import { type Html, html, link, nothing, type Part } from '../html/html.ts';
import type { PageQuery } from '../html/page-query.ts';
import { cut, number, placeText } from '../html/text.ts';
import type { PageContext } from './page.ts';
import { isMoment, labelOf, type SpanNode } from './trace-tree.ts';
import { msText, timesText, timesUsual, total } from './usual.ts';

const eventsShown = 40;
const yamlMax = 20_000;
const uuid = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})#(\d{1,9})$/;

export async function spanPanel(
  context: PageContext,
  change: Change,
  node: SpanNode,
  phases: readonly UsualPhase[],
  events: readonly EventListRow[],
): Promise<Html> {
  const { query } = context;
  const isRoot = node.span.parentId === null;
  return html`<div class="panels"><section class="card panel" aria-label="Selected span"><h2 class="${node.span.failed ? 'bad' : ''}">${cut(labelOf(node.span), 400)}</h2>
<dl>${factsOf(query, change, node, phases)}</dl>${isRoot ? phaseTable(phases) : nothing}${await asYaml(context, change, node)}</section>
${eventList(query, change, events)}</div>`;
}

function factsOf(query: PageQuery, change: Change, { span }: SpanNode, phases: readonly UsualPhase[]): Html[] {
  const { attributes, start, end, rule, evidence, reporter, phase } = span;
  const { zone } = query;
  const usual = phases.find((one) => one.phase === phase) ?? null;
  const uncertainty = Number(attributes['knspan.time.uncertainty_ms'] ?? 0);
  const longest = usual !== null && Math.abs((end - start) / 1_000 - usual.tookMs) < 1 ? timesUsual(usual) : null;
  const attribute = (name: string) => {
    const value = attributes[name];
    return value === undefined || value === null ? null : cut(String(value), 300);
  };
  const object = { cluster: change.cluster, kind: span.kind, namespace: span.namespace, name: span.object, uid: span.objectUid };
  const facts: (readonly [string, Part])[] = [
    [
      'took',
      isMoment(span)
        ? 'one moment'
        : html`${uncertainDurationText(end - start, uncertainty * 1_000)}${longest === null ? nothing : html`, <b class="slow">${timesText(longest)}</b>`}`,
    ],
    [
      'usually',
      usual === null || usual.p50Ms === null || usual.samples < samplesMin
        ? null
        : html`${msText(usual.p50Ms)} (p50), ${msText(usual.p95Ms ?? 0)} (p95) <span class="muted">of the last ${usual.samples}</span>`,
    ],
    [
      'began',
      html`${zone.full(start)}<span class="muted">.${String(Math.floor(start / 1_000) % 1_000).padStart(3, '0')}${uncertainty > 0 ? ` ± ${msText(uncertainty)}` : ''}</span>`,
    ],
    [
      'object',
      span.object === '' || span.kind === ''
        ? null
        : html`<a href="${link(objectLink(query, object))}">${span.kind} <code>${cut(placeText(object), 120)}</code></a>`,
    ],
    ['container', code(attribute('k8s.container.name'))],
    ['image', code(attribute('container.image.name'))],
    ['node', node(query, change, attribute('k8s.node.name'))],
    [
      'exit',
      attribute('knspan.container.exit_code') === null
        ? null
        : `${attribute('knspan.container.reason') ?? ''} ${attribute('knspan.container.exit_code')}`,
    ],
    ['condition', attribute('knspan.condition')],
    [
      'told by',
      reporter === null
        ? null
        : html`${cut(reporter, 100)}${attribute('knspan.reporter.instance') === null ? nothing : html` on <code>${attribute('knspan.reporter.instance')}</code>`}`,
    ],
    ['why here', rule === null ? null : html`rule <code>${cut(rule, 100)}</code>${confidence(attribute('knspan.confidence'))}`],
    ['evidence', evidence === null ? null : evidenceOf(query, change, evidence)],
  ];
  return facts.filter(([, value]) => value !== null).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`);
}

function code(text: string | null): Html | null {
  return text === null ? null : html`<code>${text}</code>`;
}

function node(query: PageQuery, { cluster }: Change, name: string | null): Html | null {
  return name === null
    ? null
    : html`<a href="${link(objectLink(query, { cluster, kind: 'Node', namespace: '', name }))}"><code>${name}</code></a>`;
}

/** How sure the placement is: `time` and `structure` are weaker than a name or an owner in an Event. */
function confidence(value: string | null): Html {
  return value === null ? nothing : html`, by ${value} alone`;
}

function evidenceOf(query: PageQuery, { cluster }: Change, evidence: string): Html {
  const [, uid = '', n = ''] = uuid.exec(evidence) ?? [];
  return uid === ''
    ? html`${cut(evidence, 200)}`
    : html`<a href="${link(eventLink(query, { cluster, uid, n: Number(n) }))}">Event <code>${uid.slice(0, 8)}…#${n}</code></a>`;
}

function phaseTable(phases: readonly UsualPhase[]): Html {
  const parts = phases.filter(({ phase }) => phase !== total && phase !== 'rollout');
  if (parts.length === 0) return nothing;
  const rows = parts.map((part) => {
    const times = timesUsual(part);
    const known = part.p50Ms !== null && part.samples >= samplesMin;
    return html`<tr><th scope="row"><span class="swatch ${phaseClass(part.phase)}" aria-hidden="true"></span>${part.phase}</th><td>${msText(part.tookMs)}</td><td class="${times === null ? 'muted' : 'slow'}">${times !== null ? timesText(times) : known ? msText(part.p50Ms ?? 0) : ''}</td></tr>`;
  });
  return html`<table class="phases"><caption class="hidden">Phases against the last changes of this workload</caption><thead><tr><th scope="col">phase</th><th scope="col">longest</th><th scope="col">usually</th></tr></thead><tbody>${rows}</tbody></table>`;
}

async function asYaml({ database, scope }: PageContext, { cluster }: Change, { span }: SpanNode): Promise<Html> {
  const uid = span.attributes['k8s.event.uid'];
  if (typeof uid !== 'string' || !/^[0-9a-f-]{36}$/.test(uid)) return nothing;
  const occurrences = await readEvent(database, scope, cluster, uid);
  const n = Number(span.attributes['k8s.event.count'] ?? 1);
  const event = occurrences.find((one) => one.n === n) ?? occurrences[0];
  if (event === undefined) return nothing;
  return html`<details id="yaml"><summary>its Event as YAML</summary><pre tabindex="0">${cut(stringify(asKubernetesEvent(event)), yamlMax)}</pre></details>`;
}

function eventList(query: PageQuery, { cluster, events: all }: Change, events: readonly EventListRow[]): Html {
  if (events.length === 0) return nothing;
  const shown = events
    .slice(0, eventsShown)
    .map(
      (event) =>
        html`<li><a class="quiet" href="${link(eventLink(query, { cluster, uid: event.uid, n: event.n }))}"><time>${query.zone.exact(event.at)}</time> <b class="${event.failed ? 'bad' : ''}">${event.failed ? html`<span aria-hidden="true">✗ </span>` : nothing}${cut(event.reason, 80)}</b>${event.n > 1 ? html` × ${event.n}` : nothing}</a><span class="message">${cut(event.message, 400)}</span></li>`,
    );
  const of = all !== null && all > events.length ? html` <span class="muted">of ${number(all)}</span>` : nothing;
  return html`<section class="card panel" aria-label="Events"><h2>Events ${number(events.length)}${of}</h2><ol class="events">${shown}</ol>${events.length > eventsShown ? html`<p class="muted">${number(events.length - eventsShown)} more</p>` : nothing}</section>`;
}
