/** A request to the API server, told by its path: which object it is about, and what it does to it. */

export interface ResourcePath {
  /** Plural and lower case, as in the path. */
  readonly resource: string;
  readonly subresource: string;
  /** Empty for what belongs to no namespace. */
  readonly namespace: string;
  /** Empty in a POST: the object gets its name from the body. */
  readonly name: string;
}

export type Verb = 'create' | 'update' | 'patch' | 'delete';

const verbs: Readonly<Record<string, Verb>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** Null for a method that only reads. */
export function verbOf(method: string): Verb | null {
  return (Object.hasOwn(verbs, method) ? verbs[method] : undefined) ?? null;
}

/** From a path or a URL; null for what is no resource, such as /healthz. */
export function parseResourcePath(target: string): ResourcePath | null {
  const path = target.replace(/^[a-z]+:\/\/[^/]*/, '').replace(/[?#].*$/s, '');
  const parts = path.split('/').slice(1).map(decoded);
  const rest = parts[0] === 'api' ? parts.slice(2) : parts[0] === 'apis' ? parts.slice(3) : [];
  const isInNamespace = rest[0] === 'namespaces' && rest.length >= 3 && rest[2] !== 'status' && rest[2] !== 'finalize';
  const [resource = '', name = '', subresource = ''] = isInNamespace ? rest.slice(2) : rest;
  if (resource === '') return null;
  return { resource, subresource, namespace: isInNamespace ? (rest[1] ?? '') : '', name };
}

/**
 * From the key of a storage span, `/<resource>/<namespace>/<name>`; some resources have their group or another word before
 * (`/services/specs/...`, `/example.com/widgets/...`). Null where the key is none of that resource.
 */
export function parseStorageKey(key: string, { resource, namespace }: Pick<ResourcePath, 'resource' | 'namespace'>): string | null {
  const parts = key.split('/').slice(1);
  const name = parts.at(-1) ?? '';
  if (name === '' || !parts.slice(0, -1).includes(resource)) return null;
  return namespace === '' || parts.at(-2) === namespace ? name : null;
}

/** How one object is named where no uid is known. */
export function objectKey(resource: string, namespace: string, name: string): string {
  return `${resource}/${namespace}/${name}`;
}

/** The plural by which a kind is served, by the rules that nearly all of Kubernetes follows. */
export function resourceOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (lower === 'endpoints') return lower;
  if (/(s|x|ch|sh)$/.test(lower)) return `${lower}es`;
  return /[^aeiou]y$/.test(lower) ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}

/**
 * Who sent a request, from its user agent: the controller's service account where that stands at the end, else the program.
 * `kube-controller-manager/v1.34.4 (...) kubernetes/$Format/system:serviceaccount:kube-system:replicaset-controller`
 */
export function clientOf(agent: string): string {
  const account = /:serviceaccount:[^:]+:([^:/\s]+)$/.exec(agent)?.[1];
  return (account ?? agent.split(/[/\s]/, 1)[0] ?? '').slice(0, 100);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
