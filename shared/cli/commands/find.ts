/** `knspan find`: the traces of one object, on a dump or on the live cluster. */
import type { Segment } from '../../spans/span.ts';
import { type Loaded, load } from '../input/load-input.ts';
import { InputError } from '../input/read-input.ts';
import { listOnce } from '../live/cluster-source.ts';
import { listLineOf } from '../output/list-view.ts';
import { counted, screenOf } from '../output/terminal.ts';
import { passes } from '../output/trace-filter.ts';
import { treeOf } from '../output/tree-view.ts';
import { Pipeline } from '../pipeline.ts';
import { filterOf, rulesOf, type SharedOptions } from './replay.ts';

export interface FindOptions extends SharedOptions {
  readonly last: boolean;
  readonly view: 'list' | 'tree';
}

/** The dump, or the cluster of the current kubeconfig where none is named. */
export async function loadOrList(paths: string[], options: SharedOptions): Promise<Loaded & { readonly cluster: string }> {
  if (paths.length === 0) {
    const listed = await listOnce(options);
    return { ...listed, cluster: options.cluster || listed.cluster };
  }
  return { ...(await load(paths, { objects: options.objects ?? [], stdin: process.stdin })), cluster: options.cluster };
}

export async function findCommand(object: string, paths: string[], options: FindOptions): Promise<void> {
  const [kind, name] = object.split('/');
  if (!kind || !name) throw new InputError(`Cannot find '${object}': wanted kind/name, e.g. deployment/web`);
  const rules = await rulesOf(options);
  if (!rules) return;
  const { observations, objects, newest, cluster } = await loadOrList(paths, options);
  const pipeline = new Pipeline({ rules, objects, cluster });
  for (const observation of observations) pipeline.push(observation);
  const filter = { ...filterOf(options, newest), kind: singular(kind), name };
  const found = pipeline.finish().filter((segment) => passes(segment, filter));
  if (found.length === 0) process.stderr.write(`No trace of ${object} among ${counted(observations.length, 'event')}\n`);
  const screen = screenOf(process.stdout, process.env);
  for (const segment of options.last ? lastOf(found) : found)
    process.stdout.write(options.view === 'tree' ? `${treeOf(segment, { screen, why: false }).join('\n')}\n` : `${lineOf(segment)}\n`);
}

/** The last change; where there was none, whatever was last. */
function lastOf(found: readonly Segment[]): readonly Segment[] {
  const changes = found.filter(({ spans }) => !noChange.includes(String(spans[0]?.attributes['knspan.change'] ?? '')));
  return (changes.length > 0 ? changes : found).slice(-1);
}

const noChange: readonly string[] = ['incident', 'digest', 'late'];

function lineOf(segment: Segment): string {
  const template = process.env['KNSPAN_TRACE_URL'];
  const link = template ? `\n  ${template.replaceAll('{traceId}', segment.traceId)}` : `\n  trace ${segment.traceId}`;
  return listLineOf(segment, screenOf(process.stdout, process.env)) + link;
}

const shortKinds: Readonly<Record<string, string>> = {
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  rs: 'replicaset',
  po: 'pod',
  cj: 'cronjob',
  hpa: 'horizontalpodautoscaler',
  pvc: 'persistentvolumeclaim',
  no: 'node',
  ns: 'namespace',
  svc: 'service',
  ing: 'ingress',
  pv: 'persistentvolume',
  ep: 'endpoints',
};

function singular(kind: string): string {
  const lower = kind.toLowerCase();
  // deployments, ingresses, policies; but ingress, and endpoints, which is no plural.
  return shortKinds[lower] ?? (lower === 'endpoints' ? lower : lower.replace(/ies$/, 'y').replace(/(?<=[sx])es$|(?<!s)s$/, ''));
}
