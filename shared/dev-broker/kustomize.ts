/**
 * The part of kustomize that the manifests here use, so that a local broker sees what `kubectl apply -k` would make: which files of a
 * folder are resources, which are patches, and patches that replace fields of an object of the same kind and name. Other folders among
 * the resources are not followed: who reads an overlay gives its base too.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { isJson, type Json } from '../events/json.ts';
import { messageOf } from '../process/log.ts';
import { type ManifestFault, Part } from './manifest-reader.ts';

export interface Source {
  readonly file: string;
  readonly text: string;
}

export interface Files {
  readonly resources: readonly Source[];
  readonly patches: readonly Source[];
}

const filesMost = 200;
const depthMost = 50;
const list = 'kustomization.yaml';
/** What does not touch the objects that a broker is built from. */
const ignored = ['apiVersion', 'kind', 'labels', 'images', 'metadata', 'sortOptions'];

/** Beside a function lie its packages, and what `func` wants to know of it. */
const isManifest = (name: string): boolean =>
  /\.ya?ml$/.test(name) && !/(^|[\\/])(node_modules|\.[^\\/]*)[\\/]|(^|[\\/])func\.yaml$/.test(name);

/** As the folder's kustomization says; without one, every `.yaml` and `.yml` in it and below. */
export async function filesIn(folder: string, faults: ManifestFault[]): Promise<Files> {
  const names = (await readdir(folder, { recursive: true })).filter(isManifest).sort();
  if (names.length > filesMost) {
    faults.push({ place: folder, message: `wanted at most ${filesMost} files, found ${names.length}` });
    return { resources: [], patches: [] };
  }
  const sourceOf = async (name: string): Promise<Source> => {
    const file = join(folder, name);
    return { file: relative('', file), text: await readFile(file, 'utf8') };
  };
  if (!names.includes(list)) return { resources: await Promise.all(names.map(sourceOf)), patches: [] };
  const told = read(await sourceOf(list), faults);
  told.only([...ignored, 'resources', 'patches']);
  const paths = (parts: readonly Part[]) => parts.map((part) => ({ part, name: part.text() }));
  const resources = paths(told.get('resources').list()).filter(({ name }) => /\.ya?ml$/.test(name));
  const patches = paths(
    told
      .get('patches')
      .list()
      .map((patch) => patch.get('path')),
  );
  for (const { part, name } of [...resources, ...patches])
    if (!names.includes(name)) part.refuse(`wanted a file of this folder, found '${name}'`);
  const found = (all: typeof resources) => Promise.all(all.flatMap(({ name }) => (names.includes(name) ? sourceOf(name) : [])));
  return { resources: await found(resources), patches: await found(patches) };
}

function read({ file, text }: Source, faults: ManifestFault[]): Part {
  try {
    return new Part(parse(text), file, faults);
  } catch (error) {
    faults.push({ place: file, message: `wanted YAML, found: ${messageOf(error).split('\n', 1).join('')}` });
    return new Part({}, file, faults);
  }
}

/** The objects with the patches in them, in the order of the patches. */
export function patched(objects: readonly Part[], patches: readonly Part[]): Part[] {
  const result = [...objects];
  for (const patch of patches) {
    const place = result.findIndex((object) => keyOf(object) === keyOf(patch));
    const object = result[place];
    if (object === undefined) patch.refuse('wanted an object of this kind and name to patch, found none');
    else result[place] = object.with(merged(object.value, patch, 0));
  }
  return result;
}

function keyOf(object: Part): string {
  const metadata = object.get('metadata');
  const namespace = metadata.get('namespace').text('default');
  return [object.get('apiVersion').text(''), object.get('kind').text(''), namespace, metadata.get('name').text('')].join(' ');
}

/** Maps grow together, all else is replaced, null removes: for kinds that kustomize has no schema of it does the same. */
function merged(value: unknown, patch: Part, depth: number): unknown {
  if (!isJson(patch.value) || depth > depthMost) return patch.value;
  const result: Record<string, unknown> = { ...(isJson(value) ? value : ({} satisfies Json)) };
  for (const [name, part] of patch.entries()) {
    if (name.startsWith('$')) part.refuse('wanted a patch without directives');
    if (part.value === null) delete result[name];
    else result[name] = merged(result[name], part, depth + 1);
  }
  return result;
}
