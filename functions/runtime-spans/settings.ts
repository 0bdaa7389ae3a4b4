/** Settings of the function. */
import type { Settings } from '../../shared/process/settings.ts';
import { defaultRuntimeBudget } from '../../shared/runtime-spans/budget.ts';
import { type Bounds, defaultBounds } from './store/span-store.ts';

export interface RuntimeConfig {
  /** Runtime spans per trace at most. */
  readonly budget: number;
  readonly bounds: Bounds;
}

export function readRuntimeConfig(settings: Settings): RuntimeConfig {
  const number = (name: string, fallback: number, min: number, max: number, what: string) =>
    settings.number(name, { default: fallback, min, max, what });
  return {
    budget: number('KNSPAN_RUNTIME_BUDGET', defaultRuntimeBudget, 0, 100_000, 'max runtime spans per trace; 0: no limit'),
    bounds: {
      bytes: number('KNSPAN_RUNTIME_BYTES_MAX', defaultBounds.bytes, 1_000_000, 100_000_000_000, 'max bytes of stored runtime spans'),
      spans: number('KNSPAN_RUNTIME_SPANS_MAX', defaultBounds.spans, 1_000, 1_000_000_000, 'max stored runtime spans'),
      ttlMs: settings.duration('KNSPAN_RUNTIME_TTL', '20m', 'how long runtime spans are stored; less as the store fills up', '1m', '24h'),
    },
  };
}
