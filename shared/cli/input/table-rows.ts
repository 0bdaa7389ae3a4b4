/**
 * The rows of tables of Events, until it is known whether the same Events are there as JSON: these say more. A row has no uid to compare,
 * so that a namespace's table counts only where the input has no other Event of the namespace.
 */
import type { Observation } from '../../events/observation.ts';

const rowsMax = 500_000;

export class TableRows {
  /** Rows that were left out, since their Events are there otherwise. */
  repeated = 0;
  readonly #rows: Observation[] = [];
  readonly #namespaces = new Set<string>();

  /** An Event that is no row. */
  see({ namespace }: Observation): void {
    this.#namespaces.add(namespace);
  }

  add(row: Observation): void {
    if (this.#rows.length < rowsMax) this.#rows.push(row);
    else this.repeated += 1;
  }

  *used(): Generator<Observation> {
    for (const row of this.#rows) {
      const isRepeated = row.namespace === '' ? this.#namespaces.size > 0 : this.#namespaces.has(row.namespace);
      if (isRepeated) this.repeated += 1;
      else yield row;
    }
  }
}
