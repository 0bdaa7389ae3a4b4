/** The functions beside the pipeline in a local run: subscribers of the overlays' Triggers, and a function under test. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KnativeService, Wiring } from '../../dev-broker/wiring.ts';
import type { ExtensionFunction, Given } from '../../extension/definition.ts';
import { systemClock } from '../../process/clock.ts';
import type { FunctionContext, Stoppable } from '../../process/run-function.ts';
import { ConfigError, type Environment } from '../../process/settings.ts';
import { loadExtension } from './extension-file.ts';
import type { LocalFunctions, Trial } from './local-run.ts';

interface Extension {
  /** Its Service. */
  readonly environment: Environment;
  start(surroundings: FunctionContext, wiring: Wiring): Promise<Stoppable & { readonly url: string }>;
}

/** By the name of the Service. */
export type Extensions = ReadonlyMap<string, Extension>;

const pipeline = ['correlator', 'exporter', 'reconciler', 'history', 'explorer'];
const overlaysFolder = fileURLToPath(new URL('../../../knative/overlays/', import.meta.url));

/** The folder of a named overlay, else the user's folder. */
export function overlayFolder(name: string): string {
  const ours = join(overlaysFolder, name);
  if (/^[a-z-]+$/.test(name) && existsSync(ours)) return ours;
  if (existsSync(name)) return resolve(name);
  throw new ConfigError(`Cannot use '${name}': wanted an overlay of knspan (sampling, redact, owner-team, alert) or a folder`);
}

/** None without overlays and a function under test. */
export async function extensionsOf(
  functions: LocalFunctions,
  wiring: Wiring,
  overlays: readonly string[],
  trial?: Trial,
): Promise<Extensions> {
  const extensions = new Map<string, Extension>();
  if (overlays.length === 0 && trial === undefined) return extensions;
  const own = await functionsIn(overlays);
  for (const service of wiring.services) {
    const { name, environment } = service;
    if (pipeline.includes(name) || !wiring.triggers.some(({ subscriber }) => subscriber.kind === 'service' && subscriber.name === name))
      continue;
    const extension = trial?.extension.name === name ? trial.extension : (own.get(name) ?? (await sampleOf(functions, service)));
    if (extension === undefined)
      extensions.set(name, { environment, start: (surroundings) => startHelper(functions, service, surroundings) });
    else {
      const isTried = extension === trial?.extension;
      // With a manual clock a hanging function would never time out.
      const around = (surroundings: FunctionContext) => (isTried ? { ...surroundings, clock: systemClock() } : surroundings);
      const given: Given = isTried ? trial : {};
      extensions.set(name, {
        environment,
        start: (surroundings, known) => extension.start(around(surroundings), { ...given, wiring: known }),
      });
    }
  }
  return extensions;
}

async function functionsIn(folders: readonly string[]): Promise<Map<string, ExtensionFunction>> {
  const files = folders.map((folder) => join(folder, 'index.ts')).filter((file) => existsSync(file));
  const loaded = await Promise.all(files.map(loadExtension));
  return new Map(loaded.map((extension) => [extension.name, extension]));
}

function sampleOf({ samples }: LocalFunctions, { args: [name = ''] }: KnativeService): Promise<ExtensionFunction> | undefined {
  return Object.hasOwn(samples, name) ? samples[name]?.() : undefined;
}

async function startHelper({ startOf }: LocalFunctions, { name, args: [argument = ''] }: KnativeService, surroundings: FunctionContext) {
  const start = await startOf(argument)?.();
  if (start === undefined) throw new ConfigError(`Cannot start ${name}: wanted its function in index.ts beside its manifests, found none`);
  const running = await start(surroundings);
  return { ...running, url: 'url' in running && typeof running.url === 'string' ? running.url : '' };
}
