/** From apiVersion and kind to the path of an object in the API: asks the API server for its resources and caches the response. */
import { field, listField, type Result, textField } from '../events/json.ts';
import type { ObjectRef } from '../events/observation.ts';
import type { Clock } from '../process/clock.ts';
import type { ApiAnswer } from './api-server.ts';

export interface Resource {
  readonly groupVersion: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export type Discovered =
  /** Null: the API server does not serve this kind. */
  { readonly ok: true; readonly resource: Resource | null } | { readonly ok: false; readonly answer: Extract<ApiAnswer, { ok: false }> };

type Get = (path: string) => Promise<ApiAnswer>;

const listsMost = 200;
const resourcesMost = 5_000;
const rememberedMs = 600_000;

/** Kinds whose Events may lack an apiVersion. */
const homes: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
};

interface Listed {
  readonly at: number;
  readonly answer: Promise<Result<ReadonlyMap<string, Resource>> | Extract<ApiAnswer, { ok: false }>>;
}

export class Discovery {
  readonly #get: Get;
  readonly #clock: Clock;
  readonly #lists = new Map<string, Listed>();

  constructor(get: Get, clock: Clock) {
    this.#get = get;
    this.#clock = clock;
  }

  /** An Event may name a version that is no longer served: then the group's preferred one is used. */
  async resourceOf({ apiVersion, kind }: ObjectRef): Promise<Discovered> {
    const groupVersion = apiVersion === '' ? (Object.hasOwn(homes, kind) ? (homes[kind] ?? '') : 'v1') : apiVersion;
    if (!/^(?:[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?v[a-z0-9]{1,30}$/.test(groupVersion)) return { ok: true, resource: null };
    const first = await this.#listed(groupVersion);
    if (!('status' in first)) return { ok: true, resource: (first.ok ? first.value.get(kind) : undefined) ?? null };
    const [group] = groupVersion.split('/');
    if (first.status !== 404 || group === undefined || group === groupVersion) return notServed(first);
    const preferred = await this.#get(`/apis/${group}`);
    if (!preferred.ok) return notServed(preferred);
    const other = textField(field(preferred.body, 'preferredVersion'), 'groupVersion');
    if (other === '' || other === groupVersion || !other.startsWith(`${group}/`)) return { ok: true, resource: null };
    const second = await this.#listed(other);
    return 'status' in second ? notServed(second) : { ok: true, resource: (second.ok ? second.value.get(kind) : undefined) ?? null };
  }

  #listed(groupVersion: string): Listed['answer'] {
    const known = this.#lists.get(groupVersion);
    if (known && this.#clock.now() - known.at < rememberedMs) return known.answer;
    this.#lists.delete(groupVersion);
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size < listsMost) break;
      this.#lists.delete(oldest);
    }
    const answer = this.#ask(groupVersion);
    const listed = { at: this.#clock.now(), answer };
    this.#lists.set(groupVersion, listed);
    void answer.then((result) => {
      // Only real responses are cached.
      if ('status' in result && result.status !== 404 && this.#lists.get(groupVersion) === listed) this.#lists.delete(groupVersion);
    });
    return answer;
  }

  async #ask(groupVersion: string): Listed['answer'] {
    const answer = await this.#get(groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`);
    if (!answer.ok) return answer;
    const found = new Map<string, Resource>();
    for (const one of listField(answer.body, 'resources', resourcesMost)) {
      const plural = textField(one, 'name');
      // A name with a slash is a subresource.
      if (/^[a-z0-9.-]{1,253}$/.test(plural) && !found.has(textField(one, 'kind')))
        found.set(textField(one, 'kind'), { groupVersion, plural, namespaced: field(one, 'namespaced') === true });
    }
    return { ok: true, value: found };
  }
}

function notServed(answer: Extract<ApiAnswer, { ok: false }>): Discovered {
  return answer.status === 404 ? { ok: true, resource: null } : { ok: false, answer };
}

/** Null if no such object can exist. */
export function pathOf({ groupVersion, plural, namespaced }: Resource, { namespace, name }: ObjectRef): string | null {
  if (!isSegment(name) || (namespaced && !isSegment(namespace))) return null;
  const within = namespaced ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${groupVersion.includes('/') ? '/apis' : '/api'}/${groupVersion}${within}/${plural}/${encodeURIComponent(name)}`;
}

/** As the API server checks names in paths. */
function isSegment(name: string): boolean {
  return name !== '' && name.length <= 253 && name !== '.' && name !== '..' && !/[/%]/.test(name);
}
