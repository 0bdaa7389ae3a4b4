/** Makes a function from its definition; refuses an invalid one. */
import type { FunctionContext } from '../process/run-function.ts';
import { type Definition, type ExtensionFunction, mark } from './definition.ts';
import { isInput } from './input.ts';

const hopsBound = 32;

/** Throws if the definition is invalid. */
export function defineFunction<const T extends string, const R extends string = never, C = undefined>(
  definition: Definition<T, R, C>,
): ExtensionFunction {
  const { name, types, replies = [], loops = false, hopsMost = 8, timeoutMs = 4_000 } = definition;
  const wrong = (what: string): never => {
    throw new TypeError(`Cannot define function '${name}': ${what}`);
  };
  if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) wrong('its name must be a Service name: a-z, 0-9, and - in between');
  if (types.length === 0) wrong("wanted at least one type in 'types', found none");
  if (hopsMost < 1 || hopsMost > hopsBound) wrong(`hopsMost is ${hopsMost}, wanted 1 to ${hopsBound}`);
  const own = replies.find((reply) => types.some((type) => String(type) === reply));
  if (own !== undefined && !loops)
    wrong(`it takes its own reply '${own}', an endless loop: wanted another type, or 'loops: true' and a bound by 'hopsMost'`);
  const prepare = (surroundings: FunctionContext) => {
    const config = definition.configure?.(surroundings);
    if (!isConfig(config, definition)) return wrong("'configure' gave nothing, wanted a configuration");
    return async (input: unknown) => (isInput(input, types) ? definition.handle(input, config) : undefined);
  };
  const extension: ExtensionFunction = {
    [mark]: true,
    name,
    types,
    replies,
    loops,
    hopsMost,
    timeoutMs,
    prepare,
    start: async (surroundings, given) => (await import('./run.ts')).startExtension(extension, surroundings, given),
  };
  return extension;
}

/** C is undefined without `configure`. */
function isConfig<C>(config: C | undefined, { configure }: { readonly configure?: unknown }): config is C {
  return config !== undefined || configure === undefined;
}
