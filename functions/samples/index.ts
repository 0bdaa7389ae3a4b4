/** The functions beside the pipeline, by the argument that selects them. Each is imported on demand. */
import type { ExtensionFunction } from '../../shared/extension/definition.ts';
import type { Start } from '../../shared/process/run-function.ts';

type Module = { readonly default: ExtensionFunction };

const load = (module: () => Promise<Module>) => async () => (await module()).default;

/** Written with the extension kit. */
export const samples: Readonly<Record<string, () => Promise<ExtensionFunction>>> = {
  coinflip: load(() => import('./coinflip/index.ts')),
  'coinflip-game': load(() => import('./coinflip/game.ts')),
  redact: load(() => import('./redact/index.ts')),
  'owner-team': load(() => import('./owner-team/index.ts')),
  alert: load(() => import('./alert/index.ts')),
};

/** An event source, and a printer of events. */
export const helpers: Readonly<Record<string, () => Promise<Start>>> = {
  heartbeats: async () => (await import('./heartbeats/index.ts')).startHeartbeats,
  'event-display': async () => (await import('./event-display/index.ts')).startEventDisplay,
};

export function startOf(name: string): (() => Promise<Start>) | undefined {
  const sample = Object.hasOwn(samples, name) ? samples[name] : undefined;
  if (sample === undefined) return Object.hasOwn(helpers, name) ? helpers[name] : undefined;
  return async () => {
    const extension = await sample();
    return (surroundings) => extension.start(surroundings);
  };
}
