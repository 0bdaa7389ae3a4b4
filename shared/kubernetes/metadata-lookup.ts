/**
 * Looks up objects in the Kubernetes API: metadata only (PartialObjectMetadata), never Secrets and ConfigMaps. One request at a time per
 * object, rate-limited, cached.
 */
import { field, isJson, type Result, textField } from '../events/json.ts';
import type { ObjectRef } from '../events/observation.ts';
import { type Clock, systemClock } from '../process/clock.ts';
import type { CounterMetric, Metrics } from '../process/metrics.ts';
import { within } from '../process/timeout.ts';
import { type Rate, TokenBucket } from '../process/token-bucket.ts';
import { TtlCache } from '../process/ttl-cache.ts';
import { type ApiAnswer, type ApiServer, createApiServer } from './api-server.ts';
import { Discovery, pathOf } from './discovery.ts';
import type { Found, Lookup } from './lookup.ts';
import { parseObject } from './parse-object.ts';

export interface LookupOptions {
  readonly metrics: Metrics;
  readonly clock?: Clock;
  readonly api?: ApiServer;
  readonly rate?: Rate;
}

const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** Even their metadata can hold secrets: kubectl writes the last applied configuration into an annotation. */
const neverAsked: readonly string[] = ['Secret', 'ConfigMap'];
const defaultRate: Rate = { perSecond: 20, burst: 40 };
const answersMost = 5_000;
const flightsMost = 500;
const requestMs = 10_000;
const pauseMs = 1_000;
const remembered = { found: 300_000, gone: 3_600_000, goneByName: 10_000, forbidden: 600_000 } as const;
const outcomes = ['found', 'gone', 'forbidden', 'away'] as const;
/** Label values of the metric; others count as `other`. */
const kinds: readonly string[] = [
  ...['Pod', 'Node', 'Service', 'PersistentVolume', 'PersistentVolumeClaim', 'Namespace', 'Deployment', 'ReplicaSet', 'StatefulSet'],
  ...['DaemonSet', 'Job', 'CronJob', 'HorizontalPodAutoscaler', 'PodDisruptionBudget', 'Ingress', 'Lease', 'Revision', 'Configuration'],
  ...['Kustomization', 'HelmRelease', 'Application', 'PipelineRun', 'TaskRun', 'Certificate', 'Rollout', 'VerticalPodAutoscaler'],
];

export function createLookup(options: LookupOptions): Lookup {
  return new KubernetesLookup(options);
}

class KubernetesLookup implements Lookup {
  readonly #api: ApiServer;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #discovery: Discovery;
  readonly #answers: TtlCache<Found>;
  /** Kinds in namespaces that we may not read. */
  readonly #forbidden: TtlCache<Found>;
  readonly #flights = new Map<string, Promise<Found>>();
  readonly #count: CounterMetric<{ kind: typeof kinds; outcome: typeof outcomes }>;
  #pausedUntil = 0;

  constructor({ api = createApiServer(), clock = systemClock(), rate = defaultRate, metrics }: LookupOptions) {
    this.#api = api;
    this.#clock = clock;
    this.#bucket = new TokenBucket(rate, clock);
    this.#answers = new TtlCache({ now: () => clock.now(), max: answersMost });
    this.#forbidden = new TtlCache({ now: () => clock.now(), max: answersMost, ttlMs: remembered.forbidden });
    this.#discovery = new Discovery((path) => this.#get(path, 'application/json'), clock);
    this.#count = metrics.counter('knspan_lookups_total', 'API server lookups by kind and outcome', {
      kind: kinds,
      outcome: outcomes,
    });
  }

  async find(ref: ObjectRef, deadlineAt: number): Promise<Found> {
    if (ref.kind === '' || ref.name === '' || neverAsked.includes(ref.kind)) return { kind: 'forbidden' };
    const key = keyOf(ref);
    const known = this.#answers.get(key) ?? this.#forbidden.get(placeOf(ref));
    if (known) return known;
    let flight = this.#flights.get(key);
    if (!flight) {
      if (this.#flights.size >= flightsMost) return away('too many concurrent lookups');
      flight = this.#ask(ref, deadlineAt).finally(() => this.#flights.delete(key));
      this.#flights.set(key, flight);
    }
    return this.#by(deadlineAt, flight, away('no answer in time'));
  }

  async clusterUid(deadlineAt: number): Promise<Result<string>> {
    const found = await this.find({ apiVersion: 'v1', kind: 'Namespace', namespace: '', name: 'kube-system', uid: '' }, deadlineAt);
    if (found.kind === 'found' && found.object.uid !== '') return { ok: true, value: found.object.uid };
    const why = found.kind === 'away' ? found.reason : `the namespace kube-system is ${found.kind}`;
    return { ok: false, reason: `Cannot read the uid of the cluster: ${why}, wanted 'get' on namespaces or KNSPAN_CLUSTER` };
  }

  close(): void {
    this.#api.close();
  }

  async #ask(ref: ObjectRef, deadlineAt: number): Promise<Found> {
    const found = await this.#answer(ref, deadlineAt);
    this.#count.add({ kind: ref.kind, outcome: found.kind });
    if (found.kind === 'forbidden') this.#forbidden.set(placeOf(ref), found);
    else if (found.kind === 'found') this.#answers.set(keyOf(ref), found, remembered.found);
    else if (found.kind === 'gone') this.#answers.set(keyOf(ref), found, ref.uid === '' ? remembered.goneByName : remembered.gone);
    return found;
  }

  async #answer(ref: ObjectRef, deadlineAt: number): Promise<Found> {
    if (!(await this.#api.configured().catch(() => true))) return { kind: 'forbidden' };
    if (!(await this.#bucket.take(deadlineAt))) return away('lookup rate limit reached');
    const discovered = await this.#discovery.resourceOf(ref);
    if (!discovered.ok) return foundOf(discovered.answer);
    const path = discovered.resource === null ? null : pathOf(discovered.resource, ref);
    if (path === null) return { kind: 'gone' };
    const answer = await this.#get(path, metadataOnly);
    if (!answer.ok) return foundOf(answer);
    return objectOf(answer.body, { ...ref, apiVersion: discovered.resource?.groupVersion ?? ref.apiVersion });
  }

  async #get(path: string, accept: string): Promise<ApiAnswer> {
    const now = this.#clock.now();
    if (now < this.#pausedUntil) return { ok: false, status: null, reason: 'the API server was unavailable a moment ago' };
    const abort = new AbortController();
    const answer = await this.#by(now + requestMs, this.#api.get({ path, accept, signal: abort.signal }), {
      ok: false,
      status: null,
      reason: `no answer within ${requestMs / 1_000} s`,
    });
    abort.abort();
    if (!answer.ok && foundOf(answer).kind === 'away') this.#pausedUntil = this.#clock.now() + (answer.retryAfterMs ?? pauseMs);
    return answer;
  }

  /** The answer, or `late` once the deadline has passed. */
  #by<T>(deadlineAt: number, answer: Promise<T>, late: T): Promise<T> {
    return within(answer, deadlineAt - this.#clock.now(), this.#clock, late);
  }
}

/** 401 may pass with the next token; 406 comes from a server without PartialObjectMetadata. */
function foundOf({ status, reason }: Extract<ApiAnswer, { ok: false }>): Found {
  if (status === 404) return { kind: 'gone' };
  return status === 403 || status === 406 ? { kind: 'forbidden' } : away(reason);
}

/** Reads metadata only, whatever the response holds. */
function objectOf(body: unknown, { apiVersion, kind, uid }: ObjectRef): Found {
  const metadata = field(body, 'metadata');
  if (textField(body, 'kind') !== 'PartialObjectMetadata' || !isJson(metadata)) return { kind: 'forbidden' };
  const parsed = parseObject({ apiVersion, kind, metadata });
  if (!parsed.ok) return away(parsed.reason);
  return uid !== '' && parsed.value.uid !== uid ? { kind: 'gone' } : { kind: 'found', object: parsed.value };
}

function away(reason: string): Found {
  return { kind: 'away', reason };
}

/** Two apiVersions of one kind may be two objects. */
function keyOf({ apiVersion, kind, namespace, name, uid }: ObjectRef): string {
  return uid !== '' ? `uid:${uid}/${kind}/${name}` : `name:${JSON.stringify([apiVersion, kind, namespace, name])}`;
}

function placeOf({ apiVersion, kind, namespace }: ObjectRef): string {
  return JSON.stringify([apiVersion.split('/')[0], kind, namespace]);
}
