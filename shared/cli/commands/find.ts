/** `knspan find`: the traces of one object, from a dump or from the live cluster. */

import { counted } from '../../events/quantity.ts';
import { tracePage } from '../../spans/page-link.ts';
import type { Segment } from '../../spans/span.ts';
import { InputError } from '../input/input-error.ts';
import { type Loaded, load } from '../input/load-input.ts';
import { listOnce } from '../live/cluster-source.ts';
import { listLineOf } from '../output/list-view.ts';
import { parseObjectName, passes } from '../output/selection.ts';
import { screenOf } from '../output/terminal.ts';
import { treeOf } from '../output/tree-view.ts';
import { Pipeline } from '../pipeline.ts';
import { type ClusterOptions, type FilterOptions, filterOf, type InputOptions, type RuleOptions, readRules } from './option-values.ts';

/** What is read, and by which rules. */
export interface SourceOptions extends RuleOptions, InputOptions, ClusterOptions {
  readonly namespace?: string;
}

export interface FindOptions extends SourceOptions, FilterOptions {
  readonly last: boolean;
  readonly view: 'list' | 'tree';
}

/** The dump, or the live cluster where there are no paths. */
export async function loadOrList(paths: readonly string[], options: SourceOptions): Promise<Loaded & { readonly cluster: string }> {
  if (paths.length === 0) {
    const listed = await listOnce(options);
    return { ...listed, cluster: options.cluster || listed.cluster };
  }
  return { ...(await load(paths, { objects: options.objects, stdin: process.stdin, now: options.now })), cluster: options.cluster };
}

export async function findCommand(text: string, paths: readonly string[], options: FindOptions): Promise<void> {
  const object = parseObjectName(text);
  if (object === null) throw new InputError(`Cannot find '${text}': wanted kind/name, e.g. deployment/web`);
  const rules = await readRules(options);
  if (!rules) return;
  const { observations, objects, newest, cluster } = await loadOrList(paths, options);
  const pipeline = new Pipeline({ rules, objects, cluster });
  for (const observation of observations) pipeline.push(observation);
  const filter = { ...filterOf(options, newest), object };
  const found = pipeline.finish().filter((segment) => passes(segment, filter));
  if (found.length === 0) process.stderr.write(`No trace of ${text} among ${counted(observations.length, 'event')}\n`);
  const screen = screenOf(process.stdout, process.env);
  for (const segment of options.last ? lastOf(found) : found)
    process.stdout.write(options.view === 'tree' ? `${treeOf(segment, { screen, why: false }).join('\n')}\n` : `${lineOf(segment)}\n`);
}

/** The last change; where there was none, the last trace. */
function lastOf(found: readonly Segment[]): readonly Segment[] {
  const changes = found.filter(({ spans }) => !noChange.includes(String(spans[0]?.attributes['knspan.change'] ?? '')));
  return (changes.length > 0 ? changes : found).slice(-1);
}

const noChange: readonly string[] = ['incident', 'digest', 'late'];

function lineOf(segment: Segment): string {
  const { KNSPAN_TRACE_URL: template, KNSPAN_PAGE_URL: page } = process.env;
  const links = [
    ...(template ? [template.replaceAll('{traceId}', segment.traceId)] : []),
    ...(page ? [tracePage(page, segment.traceId)] : []),
  ];
  const lines = links.length > 0 ? links : [`trace ${segment.traceId}`];
  return [listLineOf(segment, screenOf(process.stdout, process.env)), ...lines.map((line) => `  ${line}`)].join('\n');
}
