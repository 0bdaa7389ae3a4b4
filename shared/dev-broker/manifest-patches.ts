/** How a kustomization changes objects: patches, labels and images. Each function returns a new list and leaves the given one as it is. */
import { applyPatch, type Operation } from 'rfc6902';
import { isJson } from '../events/json.ts';
import type { Part } from './manifest-reader.ts';

const depthMost = 50;
const operations = ['add', 'remove', 'replace'] as const;
const identity = ['apiVersion', 'kind', 'metadata'];

/** One document of a patch: a list of JSON 6902 operations, or a strategic merge. Without a target it names its object itself. */
export function withPatch(objects: readonly Part[], patch: Part, target: Part): Part[] {
  if (Array.isArray(patch.value) && !target.exists) patch.refuse("wanted a 'target' beside a JSON 6902 patch");
  const isMatch = target.exists ? selector(target) : (object: Part) => keyOf(object) === keyOf(patch);
  if (!target.exists && !objects.some(isMatch)) patch.refuse('wanted an object of this kind and name to patch, found none');
  const change = Array.isArray(patch.value) ? jsonPatch(patch) : strategicMerge(patch, target.exists);
  return objects.flatMap((object) => (isMatch(object) ? change(object) : [object]));
}

/** `pairs` of each entry, on the metadata of every object. */
export function withLabels(objects: readonly Part[], labels: Part): Part[] {
  const pairs: Record<string, string> = {};
  for (const entry of labels.list()) {
    entry.only(['pairs']);
    for (const [name, value] of entry.get('pairs').entries()) pairs[name] = value.text();
  }
  if (Object.keys(pairs).length === 0) return [...objects];
  return objects.map((object) => object.with(merged(object.value, { metadata: { labels: pairs } })));
}

/** `newName`, `newTag` or `digest` for every container whose image has that name. */
export function withImages(objects: readonly Part[], images: Part): Part[] {
  const changes = images.list().map((entry) => {
    entry.only(['name', 'newName', 'newTag', 'digest']);
    return {
      name: entry.get('name').text(),
      newName: entry.get('newName').text(''),
      newTag: entry.get('newTag').text(''),
      digest: entry.get('digest').text(''),
    };
  });
  const rename = (image: string): string => {
    const [, name = '', version = ''] = /^([^@]*?)((?::[^:/@]+)?(?:@.*)?)$/.exec(image) ?? [];
    const change = changes.find((one) => one.name === name);
    if (change === undefined) return image;
    const { newName, newTag, digest } = change;
    return `${newName || name}${digest === '' ? (newTag === '' ? version : `:${newTag}`) : `@${digest}`}`;
  };
  return changes.length === 0 ? [...objects] : objects.map((object) => object.with(renamed(object.value, rename)));
}

function renamed(value: unknown, rename: (image: string) => string, isContainer = false): unknown {
  if (Array.isArray(value)) return value.map((one) => renamed(one, rename, isContainer));
  if (!isJson(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) =>
      isContainer && name === 'image' && typeof inner === 'string'
        ? [name, rename(inner)]
        : [name, renamed(inner, rename, name === 'containers' || name === 'initContainers')],
    ),
  );
}

function keyOf(object: Part): string {
  const metadata = object.get('metadata');
  const namespace = metadata.get('namespace').text('default');
  return [object.get('apiVersion').text(''), object.get('kind').text(''), namespace, metadata.get('name').text('')].join(' ');
}

/** Kind, name and namespace are regular expressions that match as a whole; an absent one matches everything. */
function selector(target: Part): (object: Part) => boolean {
  target.only(['kind', 'name', 'namespace']);
  const [kind, name, namespace] = ['kind', 'name', 'namespace'].map((part) => wholeOf(target.get(part)));
  return (object) => {
    const metadata = object.get('metadata');
    return (
      kind?.test(object.get('kind').text('')) === true &&
      name?.test(metadata.get('name').text('')) === true &&
      namespace?.test(metadata.get('namespace').text('')) === true
    );
  };
}

function wholeOf(part: Part): RegExp {
  const text = part.text('');
  try {
    return new RegExp(text === '' ? '' : `^(?:${text})$`);
  } catch {
    part.wanted('a regular expression');
    return /^(?!)/;
  }
}

function jsonPatch(patch: Part): (object: Part) => Part[] {
  const parsed = patch.list().map((one): Operation => {
    one.only(['op', 'path', 'value']);
    const op = one.get('op').choice(operations, 'add');
    const path = one.get('path').text();
    return op === 'remove' ? { op, path } : { op, path, value: one.get('value').value };
  });
  return (object) => {
    const value = structuredClone(object.value);
    for (const [index, error] of applyPatch(value, structuredClone(parsed)).entries())
      if (error !== null)
        patch.refuse(`wanted operations that apply to ${keyOf(object)}, found ${parsed[index]?.op} ${parsed[index]?.path}`);
    return [object.with(value)];
  };
}

/** With a target the patch may be for several objects, so it does not rename them. */
function strategicMerge(patch: Part, hasTarget: boolean): (object: Part) => Part[] {
  const { $patch: directive, ...rest } = isJson(patch.value) ? patch.value : {};
  if (!isJson(patch.value)) patch.wanted('a map, or a list of JSON 6902 operations');
  if (directive === 'delete') return () => [];
  check(patch, 0);
  const change = hasTarget ? Object.fromEntries(Object.entries(rest).filter(([name]) => !identity.includes(name))) : rest;
  return (object) => {
    if (isBuiltIn(object) && hasList(change))
      patch.refuse('wanted no lists, which kubectl merges by key in built-in kinds; use a JSON 6902 patch');
    return [object.with(merged(object.value, change))];
  };
}

function check(patch: Part, depth: number): void {
  if (depth > depthMost) return patch.refuse(`wanted at most ${depthMost} levels`);
  if (!isJson(patch.value)) return;
  for (const [name, part] of patch.entries()) {
    if (name.startsWith('$')) part.refuse('wanted a patch without directives other than `$patch: delete` for a whole object');
    check(part, depth + 1);
  }
}

/** Maps merge, everything else is replaced, null removes: what kustomize does for kinds whose schema it does not know. */
function merged(value: unknown, patch: unknown): unknown {
  if (!isJson(patch)) return patch;
  const result: Record<string, unknown> = isJson(value) ? { ...value } : {};
  for (const [name, part] of Object.entries(patch)) {
    if (part === null) delete result[name];
    else result[name] = merged(result[name], part);
  }
  return result;
}

function isBuiltIn(object: Part): boolean {
  const [group = '', version] = object.get('apiVersion').text('').split('/');
  return version === undefined || !group.includes('.') || group.endsWith('.k8s.io');
}

function hasList(value: unknown): boolean {
  return Array.isArray(value) || (isJson(value) && Object.values(value).some(hasList));
}
