/** Judges a simulated run. */
import { digestOf } from '../../shared/correlation/ids.ts';
import type { Span } from '../../shared/spans/span.ts';
import type { StoreSizes } from '../../shared/store/store.ts';
import { KeepingSink } from '../helpers/correlators.ts';
import { toldBy } from '../helpers/trace.ts';
import type { Plan } from './plan.ts';
import type { World } from './world.ts';

export interface End {
  readonly figures: StoreSizes;
  readonly parked: readonly { readonly id: string; readonly body: string }[];
  readonly sink: KeepingSink;
  readonly logged: readonly string[];
}

/** What is wrong, in sentences. */
export async function judge(plan: Plan, world: World, { figures, parked, sink, logged }: End): Promise<string[]> {
  const faults: string[] = [];
  const { inbox, undecided, outbox } = figures;
  if (inbox + undecided + outbox > 0) faults.push(`still pending: ${inbox} in the inbox, ${undecided} undecided, ${outbox} unsent`);
  for (const line of logged) if (!/made to (fail|refuse)|the process has ended/.test(line)) faults.push(`logged ${line.trim()}`);
  const all = new KeepingSink();
  // What the sink refused for good waits for a person: it is not lost.
  for (const body of [...sink.bodies.values(), ...parked.map((one) => one.body)]) await all.send(body);
  for (const id of [...sink.differing, ...all.differing]) faults.push(`came again with other content: ${id}`);
  const spans = all.segments().flatMap((segment) => segment.spans);
  const twice = repeatedIn(spans.map(({ traceId, spanId }) => `${traceId}/${spanId}`));
  if (twice.length > 0) faults.push(`${twice.length} span ids came twice: ${twice[0]}`);
  faults.push(...judgeTold(spans, world));
  if (plan.inTime) faults.push(...differences(world.wanted, all.bodies));
  return faults;
}

/** Each occurrence once, in the open or counted in a fold. */
function judgeTold(spans: readonly Span[], { happenings }: World): string[] {
  const told = toldBy(spans);
  const faults = repeatedIn(told).map((id) => `told twice: ${id}`);
  const known = new Set(told);
  const hidden = [...new Set(happenings.map(({ observation: { uid, n } }) => `${uid}#${n}`))].filter((id) => !known.has(id));
  const folds = spans.filter((span) => span.attributes['knspan.fold.events'] !== undefined);
  const folded = folds.reduce((sum, span) => sum + Number(span.attributes['knspan.fold.events']), 0);
  if (folded !== hidden.length) faults.push(`lost: ${hidden.length} are not told in the open, folds count ${folded}: ${hidden.join(', ')}`);
  const sum = folds.reduce((all, span) => (all + BigInt(`0x${span.attributes['knspan.fold.digest']}`)) & 0xffffffffffffffffn, 0n);
  if (sum.toString(16).padStart(16, '0') !== digestOf(hidden)) faults.push('the digests of the folds are not those of what is hidden');
  return faults;
}

function differences(wanted: ReadonlyMap<string, string>, got: ReadonlyMap<string, string>): string[] {
  const faults: string[] = [];
  for (const [id, body] of wanted) {
    const found = got.get(id);
    if (found === undefined) faults.push(`the direct replay has ${headOf(body)} ${id}`);
    else if (found !== body) faults.push(`differs from the direct replay: ${headOf(body)} ${id}`);
  }
  for (const [id, body] of got) if (!wanted.has(id)) faults.push(`the direct replay has no ${headOf(body)} ${id}`);
  return faults;
}

function headOf(body: string): string {
  return /"subject":"([^"]*)"/.exec(body)?.[1] ?? '';
}

function repeatedIn(list: readonly string[]): string[] {
  const seen = new Set<string>();
  return list.filter((one) => seen.size === seen.add(one).size);
}
