/** Figures of the store for metrics that are read together. */
import type { Store, StoreSizes } from './store.ts';

/** Who asks while an answer is on its way gets that one. Null while the store is away. */
export function figuresOf(store: Store): () => Promise<StoreSizes | null> {
  let underWay: Promise<StoreSizes | null> | undefined;
  return () => {
    underWay ??= store
      .sizes()
      .catch(() => null)
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  };
}
