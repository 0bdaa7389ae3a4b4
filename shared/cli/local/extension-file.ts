/** Loads a user's file with a function, for `knspan extension` and local runs. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { field } from '../../events/json.ts';
import { type ExtensionFunction, isExtension } from '../../extension/definition.ts';
import { messageOf } from '../../process/log.ts';
import { InputError } from '../input/input-error.ts';

export async function loadExtension(file: string): Promise<ExtensionFunction> {
  const path = resolve(file);
  if (!existsSync(path)) throw new InputError(`Cannot load ${file}: there is no such file`);
  let module: unknown;
  try {
    module = await load(path);
  } catch (error) {
    throw new InputError(`Cannot load ${file}: ${messageOf(error)}`);
  }
  const found = typeof module === 'object' && module !== null && 'default' in module ? module.default : field(module, 'default');
  if (isExtension(found)) return found;
  throw new InputError(
    `Cannot use ${file}: wanted 'export default defineFunction({...})', found ${found === undefined ? 'no default export' : typeof found}`,
  );
}

/** Older versions of Node cannot import TypeScript. */
async function load(path: string): Promise<unknown> {
  if (process.features.typescript || !/\.[cm]?ts$/.test(path)) return import(pathToFileURL(path).href);
  const { createJiti } = await import('jiti/static');
  return createJiti(import.meta.url, { fsCache: false, interopDefault: false }).import(path);
}
