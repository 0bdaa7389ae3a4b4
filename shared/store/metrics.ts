/** Figures of the store for metrics that are read together. */
import type { Figures, Store } from './store.ts';

/** Who asks while an answer is on its way gets that one. Null while the store is away. */
export function figuresOf(store: Store): () => Promise<Figures | null> {
  let underWay: Promise<Figures | null> | undefined;
  return () => {
    underWay ??= store
      .figures()
      .catch(() => null)
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  };
}
