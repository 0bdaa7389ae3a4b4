/**
 * Writes what requests bring, many requests in one statement: while one batch is being written, the next ones gather. Resolves when the
 * rows are committed. A batch that PostgreSQL refuses for one row's sake is divided until that row stands alone.
 */
import { randomUUID } from 'node:crypto';
import type { Meaning } from '../correlation/rules/rule.ts';
import type { Micros, Observation } from '../events/observation.ts';
import type { ObjectVersion } from '../kubernetes/object.ts';
import type { Segment } from '../spans/span.ts';
import { Clusters } from './clusters.ts';
import { type Database, DatabaseError } from './database.ts';
import { isMissingPartition, type PartitionedTable, Partitions, partitionedTables, partitionsMax } from './partitions.ts';
import { int, rowOf } from './row.ts';
import type { Sql } from './sql.ts';
import { dayOf, timeText } from './time.ts';
import { type ClusterRef, type EventRow, eventRow } from './write/event-row.ts';
import { insertEvents } from './write/insert-events.ts';
import { insertObjects } from './write/insert-objects.ts';
import { insertSegments } from './write/insert-segments.ts';
import { type ObjectRow, objectRow } from './write/object-row.ts';
import { type SegmentRows, segmentRows } from './write/span-rows.ts';

/** An Event with what the rules say of it, a segment, or a version of an object. */
export type HistoryItem =
  | { readonly kind: 'event'; readonly cluster: string; readonly observation: Observation; readonly meaning: Meaning }
  | { readonly kind: 'segment'; readonly cluster: string; readonly segment: Segment }
  | { readonly kind: 'object'; readonly cluster: string; readonly version: ObjectVersion; readonly seenAt: Micros };

/**
 * written: committed; repeated: it was there; expired: older than the retention, not kept; refused: it can never be kept. Full and away:
 * to be sent again.
 */
export type Written =
  | { readonly kind: 'written' | 'repeated' | 'expired' }
  | { readonly kind: 'refused' | 'full' | 'away'; readonly reason: string };

export interface WriterOptions {
  readonly database: Database;
  /** Older rows are not kept; null: all are. */
  readonly keepSince: () => Micros | null;
  /** Items that may wait; more are turned away. */
  readonly waitingMax?: number;
  /** Batches that are written at the same time, each on a connection of its own. */
  readonly concurrency?: number;
  /** Of Events. */
  readonly batchMax?: number;
  /** Days of which a table has rows; what is of another day is refused. */
  readonly partitionsMax?: number;
}

type Rows =
  | { readonly kind: 'event'; readonly row: EventRow }
  | { readonly kind: 'segment'; readonly row: SegmentRows }
  | { readonly kind: 'object'; readonly row: ObjectRow };

interface Waiting {
  readonly rows: Rows;
  /** The times of its rows, by table. */
  readonly times: Readonly<Record<PartitionedTable, readonly Micros[]>>;
  done(written: Written): void;
}

const defaults = { waitingMax: 2_000, concurrency: 2, batchMax: 500, partitionsMax };
/** A segment may have 1,000 spans and 256 KiB. */
const segmentsMax = 20;
const noTimes = { events: [], spans: [], event_spans: [] };
/** After a deadlock, or when a partition was dropped in between. */
const attemptsMax = 5;
const insertedRow = rowOf({ inserted: int });

export class HistoryWriter {
  readonly #options: Required<WriterOptions>;
  readonly #clusters: Clusters;
  readonly #partitions: Partitions;
  readonly #id = randomUUID();
  #waiting: Waiting[] = [];
  /** Numbers of the connections that are free. */
  readonly #free: number[];

  constructor(options: WriterOptions) {
    this.#options = { ...defaults, ...options };
    this.#clusters = new Clusters(options.database);
    this.#partitions = new Partitions(options.database, options.partitionsMax);
    this.#free = Array.from({ length: this.#options.concurrency }, (_, index) => index);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Never rejects. */
  async write(item: HistoryItem): Promise<Written> {
    const since = this.#options.keepSince();
    if (since !== null && lastTimeOf(item) < since) return { kind: 'expired' };
    try {
      const cluster = await this.#clusters.refOf(item.cluster);
      const { waitingMax } = this.#options;
      if (this.#waiting.length >= waitingMax) return { kind: 'full', reason: `${waitingMax} items wait to be written` };
      return await this.#enqueue(item, cluster);
    } catch (error) {
      return { kind: 'away', reason: messageOf(error) };
    }
  }

  #enqueue(item: HistoryItem, cluster: ClusterRef): Promise<Written> {
    return new Promise((done) => {
      const rows = rowsOf(item, cluster);
      this.#waiting.push({ rows, times: timesOf(item, rows), done });
      // What arrives in this turn of the loop goes along.
      setImmediate(() => this.#next());
    });
  }

  #next(): void {
    const [first] = this.#waiting;
    const lane = first && this.#free.shift();
    if (lane === undefined) return;
    const kind = first?.rows.kind;
    const most = kind === 'segment' ? segmentsMax : this.#options.batchMax;
    const batch: Waiting[] = [];
    this.#waiting = this.#waiting.filter((one) => one.rows.kind !== kind || batch.length >= most || batch.push(one) === 0);
    void this.#write(batch, `${this.#id}/${lane}`).finally(() => {
      this.#free.push(lane);
      this.#next();
    });
    this.#next();
  }

  async #write(batch: readonly Waiting[], lane: string): Promise<void> {
    try {
      const inserted = await this.#insert(batch, lane);
      // Of a batch that holds new and known items it is not worth asking which is which.
      for (const { done } of batch) done({ kind: inserted > 0 ? 'written' : 'repeated' });
    } catch (error) {
      const reason = messageOf(error);
      if (!isRefused(error)) for (const { done } of batch) done({ kind: 'away', reason });
      else if (batch.length === 1) batch[0]?.done({ kind: 'refused', reason });
      else {
        await this.#write(batch.slice(0, batch.length >> 1), lane);
        await this.#write(batch.slice(batch.length >> 1), lane);
      }
    }
  }

  /** How many rows are new. */
  async #insert(batch: readonly Waiting[], lane: string): Promise<number> {
    const statement = statementFor(batch, lane);
    for (let attempt = 1; ; attempt += 1) {
      await this.#makePartitions(batch);
      try {
        const [row] = await this.#options.database.rows(insertedRow, statement);
        return row?.inserted ?? 0;
      } catch (error) {
        if (attempt >= attemptsMax || !(isMissingPartition(error) || isTransient(error))) throw error;
        if (isMissingPartition(error)) this.#partitions.forget();
      }
    }
  }

  async #makePartitions(batch: readonly Waiting[]): Promise<void> {
    for (const table of partitionedTables) {
      const times = batch.flatMap((one) => one.times[table]);
      const refused = await this.#partitions.ensure(table, times);
      const at = times.find((one) => refused.has(dayOf(one)));
      if (at !== undefined)
        throw new DatabaseError(`Cannot keep a row of ${timeText(at)}: rows of too many other days are kept`, tooManyDays);
    }
  }
}

/** All of one kind. */
function statementFor(batch: readonly Waiting[], lane: string): Sql {
  const events = batch.flatMap(({ rows }) => (rows.kind === 'event' ? [rows.row] : []));
  if (events.length > 0) return insertEvents(events, lane);
  const segments = batch.flatMap(({ rows }) => (rows.kind === 'segment' ? [rows.row] : []));
  if (segments.length > 0) return insertSegments(segments, lane);
  const objects = batch.flatMap(({ rows }) => (rows.kind === 'object' ? [rows.row] : []));
  return insertObjects(objects, lane);
}

function rowsOf(item: HistoryItem, cluster: ClusterRef): Rows {
  if (item.kind === 'event') return { kind: 'event', row: eventRow(cluster, item.observation, item.meaning) };
  if (item.kind === 'segment') return { kind: 'segment', row: segmentRows(cluster, item.segment) };
  return { kind: 'object', row: objectRow(cluster, item.version, item.seenAt) };
}

function timesOf(item: HistoryItem, rows: Rows): Waiting['times'] {
  if (item.kind === 'event') return { ...noTimes, events: [item.observation.last.at] };
  return rows.kind === 'segment' ? { ...noTimes, spans: rows.row.spanTimes, event_spans: rows.row.eventTimes } : noTimes;
}

function lastTimeOf(item: HistoryItem): Micros {
  if (item.kind === 'event') return item.observation.last.at;
  return item.kind === 'segment' ? Math.max(...item.segment.spans.map(({ end }) => end)) : item.seenAt;
}

/** SQLSTATE of a program's limit that was exceeded. */
const tooManyDays = '54000';

/** For what the row holds, not for the state of the server: data exceptions, violated constraints, limits. */
function isRefused(error: unknown): boolean {
  return error instanceof DatabaseError && /^(22|23|54)/.test(error.code);
}

/** Deadlocks, and transactions that cannot be serialized. */
function isTransient(error: unknown): boolean {
  return error instanceof DatabaseError && /^40/.test(error.code);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
