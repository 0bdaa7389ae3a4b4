/** What the history gets in a cluster, from the recordings: each notification about an Event, and the segments that they settle to. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from '../../shared/cli/input/load-input.ts';
import { Pipeline } from '../../shared/cli/pipeline.ts';
import { builtInRules } from '../../shared/correlation/rules/built-in/index.ts';
import { type CompiledRules, compileRules, meaningOf } from '../../shared/correlation/rules/match.ts';
import { parseHttp } from '../../shared/events/cloudevents.ts';
import { isJson } from '../../shared/events/json.ts';
import type { Observation } from '../../shared/events/observation.ts';
import type { HistoryItem, HistoryWriter, Written } from '../../shared/history/writer.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { parseSegmentEvent, toSegmentEvents } from '../../shared/spans/segment-event.ts';
import type { Segment } from '../../shared/spans/span.ts';

const replayFolder = fileURLToPath(new URL('../replay/', import.meta.url));
export const testRules: CompiledRules = compileRules(builtInRules, [], 'tested');
export const testCluster = 'test-cluster';

/** Small parts, so that most traces come in several. */
const partBytes = 24 * 1024;

export function recordings(): readonly string[] {
  return ['captures', 'scenarios'].flatMap((kind) =>
    readdirSync(join(replayFolder, kind))
      .map((name) => join(replayFolder, kind, name))
      .filter((folder) => existsSync(join(folder, 'watch.jsonl'))),
  );
}

export async function itemsOf(folder: string): Promise<HistoryItem[]> {
  const objects = new ObjectIndex();
  const versions = join(folder, 'objects-watch.jsonl');
  const { observations } = await load([join(folder, 'watch.jsonl')], {
    objects: existsSync(versions) ? [versions] : [],
    into: objects,
    stdin: process.stdin,
  });
  const pipeline = new Pipeline({ rules: testRules, objects, cluster: testCluster });
  for (const observation of observations) pipeline.push(observation);
  return [...observations.map(eventItem), ...pipeline.finish().flatMap((segment) => segmentItems(segment))];
}

export function eventItem(observation: Observation): HistoryItem {
  return { kind: 'event', cluster: testCluster, observation, meaning: meaningOf(testRules, observation) };
}

/** As the correlator sends it and a function receives it. */
export function segmentItems(segment: Segment, bytesMost = partBytes): HistoryItem[] {
  return toSegmentEvents(segment, { source: '/test', bytesMost }).map(({ body }) => {
    const received = parseHttp({ 'content-type': 'application/cloudevents+json' }, Buffer.from(body));
    const [event] = received.ok ? received.value : [];
    const parsed = event && parseSegmentEvent(event);
    if (!parsed?.ok) throw new Error(`Cannot make a segment: ${JSON.stringify(parsed)}`);
    return { kind: 'segment', cluster: parsed.value.segment.cluster, segment: parsed.value.segment };
  });
}

/** All at once, as many requests would. Throws for an item that was not taken. */
export async function writeAll(writer: HistoryWriter, items: readonly HistoryItem[]): Promise<void> {
  const waiting = items.map((item) => writer.write(item));
  for (const written of await Promise.all(waiting)) assertTaken(written);
}

function assertTaken(written: Written): void {
  if (written.kind !== 'written' && written.kind !== 'repeated')
    throw new Error(`Cannot write: ${JSON.stringify(isJson(written) ? written : null)}`);
}
