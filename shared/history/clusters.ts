/** Numbers of clusters: rows hold the number, `history.clusters` the name. */
import type { Database } from './database.ts';
import { partitionLock } from './locks.ts';
import { int, rowOf } from './row.ts';
import { sql } from './sql.ts';
import type { ClusterRef } from './write/event-row.ts';
import { nameText } from './write/identity.ts';

const idRow = rowOf({ id: int });

export class Clusters {
  readonly #database: Database;
  readonly #known = new Map<string, Promise<ClusterRef>>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The number of a cluster, given to it when it is first named. At most 32,768 have one. */
  refOf(name: string): Promise<ClusterRef> {
    const known = this.#known.get(name);
    if (known) return known;
    const asked = this.#ask(name);
    this.#known.set(name, asked);
    asked.catch(() => this.#known.delete(name));
    return asked;
  }

  async #ask(name: string): Promise<ClusterRef> {
    const [row] = await this.#database.transaction(async (transaction) => {
      await transaction.query(sql`select pg_advisory_xact_lock(${partitionLock})`);
      await transaction.query(sql`
        insert into history.clusters (id, name) select coalesce(max(id), -1) + 1, ${nameText(name)} from history.clusters
        on conflict (name) do nothing`);
      return transaction.rows(idRow, sql`select id from history.clusters where name = ${nameText(name)}`);
    });
    return { id: row?.id ?? 0, name };
  }
}
