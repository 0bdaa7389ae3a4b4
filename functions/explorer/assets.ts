/** The files that a browser loads: style, client scripts, icon. Served as they are, with an address that changes with their content. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly body: Buffer;
}

const folder = new URL('./assets/', import.meta.url);
const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

let loaded: ReadonlyMap<string, Asset> | undefined;
let version = '';

/** By name; read once. */
export function assets(): ReadonlyMap<string, Asset> {
  loaded ??= load();
  return loaded;
}

function load(): ReadonlyMap<string, Asset> {
  const own = readdirSync(folder).flatMap((name) => {
    const type = types[name.split('.').at(-1) ?? ''];
    return type === undefined ? [] : [[name, assetOf(fileURLToPath(new URL(name, folder)), type)] as const];
  });
  const idiomorph = assetOf(fileURLToPath(import.meta.resolve('idiomorph/dist/idiomorph.esm.js')), types['js'] ?? '');
  const all = new Map([...own, ['idiomorph.js', idiomorph] as const]);
  version = createHash('sha256')
    .update([...all.values()].map(({ etag }) => etag).join())
    .digest('hex')
    .slice(0, 12);
  return all;
}

function assetOf(file: string, type: string): Asset {
  const body = readFileSync(file);
  return { type, body, etag: `"${createHash('sha256').update(body).digest('hex').slice(0, 24)}"` };
}

/** All files share a version in their path, so that scripts that import each other by relative names stay together. */
export function assetPath(name: string): string {
  assets();
  return `/assets/${version}/${name}`;
}
