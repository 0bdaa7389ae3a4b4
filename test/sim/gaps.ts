/**
 * A stream with a gap, in simulated time: a capture flows into a correlator, all that was to arrive within some seconds is lost, and a
 * reconciler lists what the API server still has. Which Events end up together in a trace, and when each is told.
 */
import { startCorrelator } from '../../functions/correlator/index.ts';
import { startReconciler } from '../../functions/reconciler/index.ts';
import { parseHttp, type ReceivedEvent } from '../../shared/events/cloudevents.ts';
import { field, textField } from '../../shared/events/json.ts';
import type { Sink, SinkOutcome } from '../../shared/http/sink.ts';
import type { ApiServer } from '../../shared/kubernetes/api-server.ts';
import { ManualClock } from '../../shared/process/clock.ts';
import { gapType } from '../../shared/process/gap-event.ts';
import { parseSegmentEvent } from '../../shared/spans/segment-event.ts';
import { MemoryStore } from '../../shared/store/memory/store.ts';
import { defaultBounds } from '../../shared/store/store.ts';
import { type Notice, noticesOf, post } from '../helpers/notices.ts';
import { surroundingsFor } from '../helpers/surroundings.ts';
import { toldBy } from '../helpers/trace.ts';

export interface Gap {
  /** After the first notification, ms. */
  readonly from: number;
  readonly ms: number;
}

export interface Told {
  /** Event uid -> trace. */
  readonly traces: ReadonlyMap<string, string>;
  /** Event uid -> when it was first told, ms. */
  readonly at: ReadonlyMap<string, number>;
  readonly lost: number;
  readonly asked: number;
}

const stepMs = 2_000;
const tickEveryMs = 300_000;
/** Longer than any change stays open. */
const afterMs = 20 * 60_000;

/** `repairs`: whether listings are requested; `lists`: whether the reconciler hears of it. */
export async function streamWithGap(capture: string, gap: Gap | null, repairs = true, lists = true): Promise<Told> {
  const notices = noticesOf(capture).filter(({ type }) => !type.endsWith('delete'));
  const begin = Math.min(...notices.map(({ at }) => at));
  const isLost = ({ at }: Notice) => gap !== null && at - begin >= gap.from && at - begin < gap.from + gap.ms;
  const stream = new Stream(begin, lists);
  await stream.start(repairs);
  const end = Math.max(...notices.map(({ at }) => at)) + afterMs;
  let left = notices;
  for (let now = begin, ticked = begin; now <= end; now += stepMs) {
    await stream.clock.set(now);
    for (const notice of left.filter(({ at }) => at <= now)) await stream.happens(notice, isLost(notice));
    left = left.filter(({ at }) => at > now);
    if (now - ticked >= tickEveryMs) {
      ticked = now;
      await stream.tick();
    }
    await stream.sweep();
  }
  await stream.stop();
  return { traces: stream.traces, at: stream.toldAt, lost: notices.filter(isLost).length, asked: stream.asked };
}

class Stream {
  readonly clock: ManualClock;
  readonly traces = new Map<string, string>();
  readonly toldAt = new Map<string, number>();
  asked = 0;
  /** By uid, as the API server has them. */
  readonly #events = new Map<string, unknown>();
  readonly #store: MemoryStore;
  #correlator: Awaited<ReturnType<typeof startCorrelator>> | undefined;
  #reconciler: Awaited<ReturnType<typeof startReconciler>> | undefined;
  /** Requests under way between the two. */
  #pending: Promise<unknown>[] = [];

  readonly #lists: boolean;

  constructor(begin: number, lists: boolean) {
    this.#lists = lists;
    this.clock = new ManualClock(begin - 1);
    this.#store = new MemoryStore(() => this.clock.now(), defaultBounds);
  }

  async start(repairs: boolean): Promise<void> {
    const env = { PORT: '0', KNSPAN_LOOKUPS: 'false', KNSPAN_CLUSTER: 'test', KNSPAN_REPAIR_GAPS: String(repairs) };
    const given = {
      store: this.#store,
      sink: this.#sinkTo((event, body) => this.#fromCorrelator(event, body)),
      cluster: 'test',
      beats: false,
    };
    this.#correlator = await startCorrelator(surroundingsFor(env, this.clock), given);
    const surroundings = surroundingsFor(
      { PORT: '0', KNSPAN_CLUSTER: 'test', K_SINK: 'http://localhost', KNSPAN_TICK_WAITS: '0s' },
      this.clock,
    );
    const sink = this.#sinkTo((event) => this.#pending.push(this.#correlator?.receive([event]) ?? Promise.resolve()));
    this.#reconciler = await startReconciler(surroundings, { store: this.#store, sink, api: this.#api() });
  }

  async happens({ type, object, at }: Notice, isLost: boolean): Promise<void> {
    this.#events.set(textField(field(object, 'metadata'), 'uid'), object);
    if (!isLost) await post(this.#correlator?.url ?? '', { type, object, at });
  }

  async tick(): Promise<void> {
    await this.#reconcile('dev.knative.sources.ping', '');
  }

  async sweep(): Promise<void> {
    await this.#correlator?.sweep();
    while (this.#pending.length > 0) await Promise.all(this.#pending.splice(0));
  }

  async stop(): Promise<void> {
    await this.#correlator?.close(0);
    await this.#reconciler?.close(0);
  }

  #fromCorrelator(event: ReceivedEvent, body: string): void {
    if (event.type === gapType) {
      this.asked += 1;
      if (this.#lists) this.#pending.push(this.#reconcile(gapType, event.extensions['namespace'] ?? '', body));
      return;
    }
    const parsed = parseSegmentEvent(event);
    if (!parsed.ok) throw new Error(parsed.reason);
    const { segment } = parsed.value;
    for (const id of toldBy(segment.spans)) {
      const uid = id.slice(0, id.lastIndexOf('#'));
      if (!this.toldAt.has(uid)) this.toldAt.set(uid, this.clock.now());
      if (!this.traces.has(uid)) this.traces.set(uid, segment.traceId);
    }
  }

  async #reconcile(
    type: string,
    namespace: string,
    body = JSON.stringify({ specversion: '1.0', id: '1', source: '/t', type, namespace }),
  ): Promise<void> {
    const headers = { 'content-type': 'application/cloudevents+json' };
    const response = await fetch(this.#reconciler?.url ?? '', { method: 'POST', headers, body });
    if (response.status !== 202) throw new Error(`the reconciler answered ${response.status}: ${await response.text()}`);
  }

  #sinkTo(take: (event: ReceivedEvent, body: string) => void): Sink {
    return {
      send: async (body): Promise<SinkOutcome> => {
        const parsed = parseHttp({ 'content-type': 'application/cloudevents+json' }, Buffer.from(body));
        for (const event of parsed.ok ? parsed.value : []) take(event, body);
        return { kind: 'accepted' };
      },
      close: () => {},
    };
  }

  #api(): ApiServer {
    return {
      configured: async () => true,
      get: async ({ path }) => {
        const namespace = /^\/api\/v1\/namespaces\/([^/]+)\/events$/.exec(path)?.[1];
        const all = [...this.#events.values()];
        const items = namespace === undefined ? all : all.filter((event) => textField(field(event, 'metadata'), 'namespace') === namespace);
        return { ok: true, body: { kind: 'EventList', apiVersion: 'v1', metadata: {}, items } };
      },
      close: () => {},
    };
  }
}

/** Pairs of Events: how many that belong together are, F1. */
export function grouping(wanted: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): number {
  const uids = [...wanted.keys()];
  let [both, onlyWanted, onlyFound] = [0, 0, 0];
  for (const [place, a] of uids.entries())
    for (const b of uids.slice(place + 1)) {
      const [isWanted, isFound] = [wanted.get(a) === wanted.get(b), found.has(a) && found.get(a) === found.get(b)];
      if (isWanted && isFound) both += 1;
      else if (isWanted) onlyWanted += 1;
      else if (isFound) onlyFound += 1;
    }
  return both === 0 ? 1 : (2 * both) / (2 * both + onlyWanted + onlyFound);
}
