/** The input of a simulated world: recorded and generated Events of some clusters, and the expected segments. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { field, textField } from '../../shared/events/json.ts';
import type { Observation } from '../../shared/events/observation.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { toSegmentEvents } from '../../shared/spans/segment-event.ts';
import { noticesOf, shuffled } from '../helpers/notices.ts';
import { eventsOf, type Story, storiesIn } from '../helpers/story.ts';
import { captures, pipelineOver } from '../helpers/trace.ts';

export interface Happening {
  readonly cluster: string;
  readonly object: unknown;
  readonly observation: Observation;
  /** When it can be known, ms: times cut to the second may mean any moment of it. */
  readonly at: number;
}

export interface World {
  readonly names: readonly string[];
  readonly happenings: readonly Happening[];
  /** Segments as CloudEvents by id, as the direct replay gives them. */
  readonly wanted: ReadonlyMap<string, string>;
}

const source = '/knspan/correlator';
const folders = ['chains', 'traps'].map((name) => join(import.meta.dirname, '../correlation', name));
const stories: readonly Story[] = folders
  .flatMap((folder) => readdirSync(folder).flatMap((name) => storiesIn(join(folder, name))))
  .filter(({ text }) => !text.includes('object '));

export function makeWorld(random: () => number): World {
  const isCapture = random() < 0.4;
  const parts = isCapture
    ? [captureOf(random)]
    : shuffled(stories, random)
        .slice(0, 1 + Math.floor(random() * 4))
        .map(storyOf);
  const wanted = new Map<string, string>();
  const happenings = parts.flatMap(({ events }, index) => {
    const cluster = `c${index}`;
    const own = events.map((event) => happeningOf(cluster, event));
    const pipeline = pipelineOver(new ObjectIndex(), 1_000, cluster);
    for (const { observation } of own) pipeline.push(observation);
    for (const segment of pipeline.finish()) for (const { id, body } of toSegmentEvents(segment, { source, cluster })) wanted.set(id, body);
    return own;
  });
  return { names: parts.map(({ name }) => name), happenings: happenings.sort((a, b) => a.at - b.at), wanted };
}

interface Part {
  readonly name: string;
  readonly events: readonly unknown[];
}

function captureOf(random: () => number): Part {
  const name = captures[Math.floor(random() * captures.length)] ?? '';
  return { name, events: captureEvents(name) };
}

/** The Events of a capture as they were told. */
export function captureEvents(name: string): unknown[] {
  const notices = noticesOf(name).filter(({ type, object }) => !type.endsWith('delete') && textField(object, 'kind') === 'Event');
  return notices.map(({ object }) => object);
}

function storyOf({ title, text }: Story): Part {
  return { name: title, events: eventsOf(text) };
}

/** Events of different clusters never share a uid. */
export function happeningOf(cluster: string, event: unknown): Happening {
  const metadata = field(event, 'metadata');
  assert.ok(typeof event === 'object' && typeof metadata === 'object');
  const object = { ...event, metadata: { ...metadata, uid: `${cluster}-${textField(metadata, 'uid')}` } };
  const parsed = parseEvent(object);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.reason);
  const { last } = parsed.value;
  return { cluster, object, observation: parsed.value, at: Math.ceil((last.at + last.uncertainty) / 1_000) };
}
