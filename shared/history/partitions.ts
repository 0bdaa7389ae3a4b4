/**
 * A partition per day for what grows by time, made when the first row of the day comes. No default partition: rows beyond the bound are
 * refused rather than kept where no retention finds them.
 */
import type { Micros } from '../events/observation.ts';
import { type Database, DatabaseError, type Transaction } from './database.ts';
import { partitionLock } from './locks.ts';
import { rowOf, text } from './row.ts';
import { sql } from './sql.ts';
import { dayOf, timeText } from './time.ts';

export const partitionedTables = ['events', 'event_spans', 'spans'] as const;
export type PartitionedTable = (typeof partitionedTables)[number];

/** A year and a month. */
export const partitionsMax = 400;
const dayMicros = 86_400_000_000;
const nameRow = rowOf({ name: text });

export class Partitions {
  readonly #database: Database;
  readonly #max: number;
  readonly #known = new Set<string>();

  /** `max`: of one table. */
  constructor(database: Database, max: number = partitionsMax) {
    this.#database = database;
    this.#max = max;
  }

  /** Makes those that are missing for rows of these times. Says of which days the table takes none, since it has too many partitions. */
  async ensure(table: PartitionedTable, times: readonly Micros[]): Promise<ReadonlySet<string>> {
    const missing = [...new Set(times.map(dayOf))].filter((day) => !this.#known.has(nameOf(table, day))).sort();
    return missing.length === 0 ? new Set() : this.#make(table, missing);
  }

  /** After one was dropped by another process: the next row of that day makes it anew. */
  forget(): void {
    this.#known.clear();
  }

  #make(table: PartitionedTable, days: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#database.transaction(async (transaction) => {
      await transaction.query(sql`select pg_advisory_xact_lock(${partitionLock})`);
      const found = await partitionsOf(transaction, table);
      const refused = new Set<string>();
      let count = found.length;
      for (const day of days) {
        if (!found.includes(nameOf(table, day))) {
          if (count >= this.#max) {
            refused.add(day);
            continue;
          }
          count += 1;
          await transaction.script(createPartition(table, day));
        }
        this.#known.add(nameOf(table, day));
      }
      return refused;
    });
  }
}

export async function partitionsOf(on: Database | Transaction, table: PartitionedTable): Promise<string[]> {
  const rows = await on.rows(
    nameRow,
    sql`select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = ${`history.${table}`}::regclass order by relname`,
  );
  return rows.map(({ name }) => name);
}

/**
 * Made apart and attached: unlike `create table .. partition of`, that waits for no reader. Numbers of days and names of ours only:
 * nothing in the text has been received.
 */
function createPartition(table: PartitionedTable, day: string): string {
  const from = startOf(day);
  const name = `history.${nameOf(table, day)}`;
  // Rows are inserted and never changed: what lets a query read indexes alone comes after fewer new rows than by default.
  return `create table ${name} (like history.${table} including defaults including constraints)
      with (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
    alter table history.${table} attach partition ${name} for values from ('${timeText(from)}') to ('${timeText(from + dayMicros)}')`;
}

export function nameOf(table: PartitionedTable, day: string): string {
  return `${table}_${day}`;
}

/** The first moment of a day in UTC such as `20261120`. */
export function startOf(day: string): Micros {
  return Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}T00:00:00Z`) * 1_000;
}

/** The end of the day that a partition holds; null for a name that is none of ours. */
export function endOfPartition(table: PartitionedTable, name: string): Micros | null {
  const day = name.slice(table.length + 1);
  return /^\d{8}$/.test(day) && name === nameOf(table, day) ? startOf(day) + dayMicros : null;
}

/** PostgreSQL knows no partition for a row: one was dropped after it was remembered. */
export function isMissingPartition(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '23514';
}
