/**
 * The subset of kustomize that the manifests under knative/ use, so that the local broker and `npm run manifests` see what
 * `kubectl apply -k` would make: `resources` (files and folders), `patches` (strategic merge or JSON 6902, in a file or inline, with or
 * without a target), `labels`, `images`, and the order of the files (`sortOptions: {order: fifo}`). Any other field is a fault. Remote
 * resources are not fetched.
 */
import { existsSync, statSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { withImages, withLabels, withPatch } from './manifest-patches.ts';
import { type ManifestFault, type Part, parseDocuments, parseObjects, type Source } from './manifest-reader.ts';

const filesMost = 200;
const depthMost = 20;
const fileName = 'kustomization.yaml';
const isRemote = (name: string): boolean => /^(?:[a-z]+:\/\/|git@|[^/]+\.[a-z]+\/)|\?ref=/.test(name);

/** Files beside a function that are no manifests: its packages, hidden folders, and the settings of `func`. */
const isManifest = (name: string): boolean =>
  /\.ya?ml$/.test(name) && !/(^|[\\/])(node_modules|\.[^\\/]*)[\\/]|(^|[\\/])func\.yaml$/.test(name);

/**
 * The objects of the folders, in order. A folder without kustomization.yaml contributes every `.yaml` and `.yml` in it and below. Later
 * folders build on the earlier ones: they may patch their objects, and a folder that is a resource of several is read once.
 */
export async function readObjects(folders: readonly (string | Source)[], faults: ManifestFault[]): Promise<Part[]> {
  const reader = new Reader(faults);
  for (const folder of folders) {
    if (typeof folder === 'string') reader.objects = await reader.read(resolve(folder), reader.objects, 0);
    else reader.objects.push(...parseObjects(folder, faults));
  }
  return reader.objects;
}

class Reader {
  objects: Part[] = [];
  readonly #faults: ManifestFault[];
  readonly #seen = new Set<string>();

  constructor(faults: ManifestFault[]) {
    this.#faults = faults;
  }

  async read(folder: string, before: readonly Part[], depth: number): Promise<Part[]> {
    this.#seen.add(folder);
    const file = join(folder, fileName);
    if (!existsSync(file)) return [...before, ...(await this.#allIn(folder))];
    const [kustomization] = parseDocuments(await sourceOf(file), this.#faults);
    if (kustomization === undefined) return [...before];
    kustomization.only(['apiVersion', 'kind', 'metadata', 'sortOptions', 'resources', 'patches', 'labels', 'images']);
    let objects = [...before];
    for (const resource of kustomization.get('resources').list()) objects = await this.#readResource(folder, resource, objects, depth);
    for (const patch of kustomization.get('patches').list())
      for (const document of await this.#patchOf(folder, patch)) objects = withPatch(objects, document, patch.get('target'));
    objects = withLabels(objects, kustomization.get('labels'));
    return withImages(objects, kustomization.get('images'));
  }

  async #readResource(folder: string, resource: Part, objects: Part[], depth: number): Promise<Part[]> {
    const name = resource.text();
    const path = resolve(folder, name);
    if (this.#seen.has(path)) return objects;
    if (!existsSync(path)) {
      if (!isRemote(name)) resource.refuse(`wanted a file or folder relative to this one, found '${name}'`);
      return objects;
    }
    if (!statSync(path).isDirectory()) return [...objects, ...parseObjects(await sourceOf(path), this.#faults)];
    if (depth < depthMost) return this.read(path, objects, depth + 1);
    resource.refuse(`wanted at most ${depthMost} levels of folders`);
    return objects;
  }

  /** Its documents; each is a strategic merge patch or a list of JSON 6902 operations. */
  async #patchOf(folder: string, patch: Part): Promise<Part[]> {
    patch.only(['path', 'patch', 'target', 'options']);
    if (!patch.get('path').exists)
      return parseDocuments({ file: `${fileName}, ${patch.path}`, text: patch.get('patch').text() }, this.#faults);
    const name = patch.get('path').text();
    const path = resolve(folder, name);
    if (existsSync(path)) return parseDocuments(await sourceOf(path), this.#faults);
    patch.get('path').refuse(`wanted a file relative to this one, found '${name}'`);
    return [];
  }

  async #allIn(folder: string): Promise<Part[]> {
    const names = (await readdir(folder, { recursive: true })).filter(isManifest).sort();
    if (names.length > filesMost) {
      this.#faults.push({ place: folder, message: `wanted at most ${filesMost} files, found ${names.length}` });
      return [];
    }
    const sources = await Promise.all(names.map((name) => sourceOf(join(folder, name))));
    return sources.flatMap((source) => parseObjects(source, this.#faults));
  }
}

async function sourceOf(file: string): Promise<Source> {
  return { file: relative('', file), text: await readFile(file, 'utf8') };
}
