/**
 * `node test/bench/history.ts [EVENTS]`: cost of the history in the embedded PostgreSQL: CPU and bytes per occurrence through the writer,
 * page queries on a synthetic history of so many Events, memory. CPU stands beside the clock, which others on the machine share.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { builtInRules } from '../../shared/correlation/rules/built-in/index.ts';
import { compileRules, meaningOf } from '../../shared/correlation/rules/match.ts';
import { parseEvent } from '../../shared/events/parse-event.ts';
import type { Database } from '../../shared/history/database.ts';
import { changesPerStep } from '../../shared/history/queries/change-bars.ts';
import { changeFacets } from '../../shared/history/queries/change-facets.ts';
import { listChanges } from '../../shared/history/queries/changes.ts';
import { eventFacets } from '../../shared/history/queries/event-facets.ts';
import { eventHistogram, eventsHistogramSql } from '../../shared/history/queries/event-histogram.ts';
import { listEvents } from '../../shared/history/queries/event-rows.ts';
import { failingNow } from '../../shared/history/queries/failing-now.ts';
import { messageShapes } from '../../shared/history/queries/messages.ts';
import { latestObjects, objectsWithin } from '../../shared/history/queries/objects.ts';
import { everything } from '../../shared/history/queries/scope.ts';
import { readTrace } from '../../shared/history/queries/trace.ts';
import { slowChanges } from '../../shared/history/queries/usual.ts';
import { int, rowOf, text } from '../../shared/history/row.ts';
import { sql } from '../../shared/history/sql.ts';
import { type HistoryItem, HistoryWriter } from '../../shared/history/writer.ts';
import { startPostgres } from '../helpers/postgres.ts';
import { rolloutEvents } from '../helpers/rollout.ts';
import { dayMicros, fillHistory, syntheticFrom } from '../helpers/synthetic-history.ts';

const events = Number(process.argv[2] ?? 200_000);
const days = 30;
const queryRuns = 40;
const insertedRollouts = 10;
const podsInRollout = 1_000;
const ticksPerSecond = 100;
const hourMicros = 3_600_000_000;

const say = (line: string) => process.stdout.write(`${line}\n`);
const counted = (number: number) => Math.round(number).toLocaleString('en');

say(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${new Date().toISOString().slice(0, 10)}`);
const postgres = await startPostgres();
const folder = rowOf({ data_directory: text });

/** Processes of the server. */
function processesOf(postmaster: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        pid === postmaster ||
        readFileSync(`/proc/${pid}/stat`, 'latin1')
          .replace(/^.*\) \S /, '')
          .startsWith(`${postmaster} `)
      );
    } catch {
      return false;
    }
  });
}

/** Of all processes of the server, seconds; those of ended ones stay with the postmaster. */
function cpuSeconds(postmaster: string): number {
  let ticks = 0;
  for (const pid of processesOf(postmaster)) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ')
      .map(Number);
    ticks += (fields[11] ?? 0) + (fields[12] ?? 0) + (pid === postmaster ? (fields[13] ?? 0) + (fields[14] ?? 0) : 0);
  }
  return ticks / ticksPerSecond;
}

/** Proportional set size, MiB. */
function mebibytes(postmaster: string): number {
  const kibibytes = (pid: string) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
  return processesOf(postmaster).reduce((sum, pid) => sum + kibibytes(pid), 0) / 1_024;
}

async function postmasterOf(database: Database): Promise<string> {
  const [row] = await database.rows(folder, sql`select setting as data_directory from pg_settings where name = 'data_directory'`);
  return readFileSync(`${row?.data_directory}/postmaster.pid`, 'utf8').split('\n')[0] ?? '';
}

async function bytesOf(database: Database): Promise<number> {
  const size = rowOf({ bytes: int });
  const [row] = await database.rows(
    size,
    sql`select sum(pg_total_relation_size(inhrelid))::bigint as bytes from pg_inherits where inhparent = 'history.events'::regclass`,
  );
  return row?.bytes ?? 0;
}

function* insertedItems(): Generator<HistoryItem> {
  const rules = compileRules(builtInRules, [], 'tested');
  for (let rollout = 0; rollout < insertedRollouts; rollout += 1) {
    const at = syntheticFrom + rollout * hourMicros;
    for (const event of rolloutEvents({ name: `web-${rollout}`, pods: podsInRollout, uid: `u${rollout}`, at })) {
      const parsed = parseEvent(event);
      if (!parsed.ok) throw new Error(parsed.reason);
      yield { kind: 'event', cluster: 'bench', observation: parsed.value, meaning: meaningOf(rules, parsed.value) };
    }
  }
}

async function benchInsert(): Promise<void> {
  const database = await postgres.database();
  const postmaster = await postmasterOf(database);
  const writer = new HistoryWriter({ database, keepSince: () => null, waitingMax: 100_000 });
  const items = [...insertedItems()];
  const before = cpuSeconds(postmaster);
  const own = process.cpuUsage();
  const began = performance.now();
  for (let start = 0; start < items.length; start += 5_000)
    await Promise.all(items.slice(start, start + 5_000).map((item) => writer.write(item)));
  const clock = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(own);
  const backend = cpuSeconds(postmaster) - before;
  const node = (user + system) / 1e6;
  const bytes = await bytesOf(database);
  say(
    `insert ${counted(items.length)} Events: ${counted(items.length / backend)}/s of PostgreSQL's CPU, ${counted(items.length / (backend + node))}/s with Node's, ${counted(items.length / clock)}/s by the clock; ${counted(bytes / items.length)} B per occurrence in the table and its indexes`,
  );
}

async function benchQueries(): Promise<void> {
  const database = await postgres.database();
  await fillHistory(database, { days, eventsPerDay: Math.ceil(events / days), spansOneIn: 4 });
  const postmaster = await postmasterOf(database);
  say(
    `${counted(events)} Events over ${days} days: ${counted((await bytesOf(database)) / events)} B per occurrence, ${counted(mebibytes(postmaster))} MiB of memory`,
  );
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const dayFrom = () => {
    const from = syntheticFrom + random(days) * dayMicros;
    return { from, to: from + dayMicros };
  };
  const all = { from: syntheticFrom, to: syntheticFrom + days * dayMicros };
  const place = () => ({ namespaces: [`team-${random(40)}`], kinds: ['Pod'] });
  const queries: Readonly<Record<string, () => Promise<unknown>>> = {
    'changes of a day, newest 100': () => listChanges(database, everything, { filter: {}, range: dayFrom(), limit: 100 }),
    'failed changes of 30 days': () => listChanges(database, everything, { filter: { outcomes: ['failed'] }, range: all, limit: 100 }),
    'change facets of a day': () => changeFacets(database, everything, {}, dayFrom()),
    'changes per 10 minutes of a day': () => changesPerStep(database, everything, {}, dayFrom(), 600_000),
    'slower than usual, a day': () => slowChanges(database, everything, {}, dayFrom(), 10),
    'failing now': () => failingNow(database, everything, {}, all.from, 10),
    'events of a day, newest 100': () => listEvents(database, everything, { filter: {}, range: dayFrom(), limit: 100 }),
    'failed events of a namespace, 30 days': () =>
      listEvents(database, everything, { filter: place(), failedOnly: true, range: all, limit: 100 }),
    'events by text, a day': () =>
      listEvents(database, everything, { filter: { search: 'Back-off restarting' }, range: dayFrom(), limit: 100 }),
    'events by the name of a pod, 30 days': () =>
      listEvents(database, everything, { filter: { search: `web-${random(500)}` }, range: all, limit: 100 }),
    'histogram of a day by 10 minutes': () => eventHistogram(database, everything, {}, dayFrom(), 600_000),
    'histogram of a day, one namespace and kind': () => eventHistogram(database, everything, place(), dayFrom(), 600_000),
    'histogram of 30 days by hour': () => eventHistogram(database, everything, {}, all, 3_600_000),
    'the same, naive': () => database.query(eventsHistogramSql(sql`true`, all, 3_600_000)),
    'namespaces and kinds of a day': () => eventFacets(database, everything, {}, dayFrom()),
    'messages of 10 minutes': () => {
      const { from } = dayFrom();
      return messageShapes(database, everything, {}, { from, to: from + hourMicros / 6 }, 50);
    },
    'objects by latest event': () => latestObjects(database, everything, { filter: place(), withDeleted: true, limit: 100 }, all.from),
    'objects by latest event of a past day': () => objectsWithin(database, everything, {}, dayFrom(), 100),
    'a trace': async () => {
      const [change] = await listChanges(database, everything, { filter: {}, range: dayFrom(), limit: 1 });
      return change && readTrace(database, everything, change.traceId);
    },
  };
  for (const [name, query] of Object.entries(queries)) {
    const times: number[] = [];
    const before = cpuSeconds(postmaster);
    let refused = 0;
    for (let run = 0; run < queryRuns; run += 1) {
      const began = performance.now();
      await query().catch(() => {
        refused += 1;
      });
      times.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    const at = (share: number) => (times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(1);
    const cpu = (((cpuSeconds(postmaster) - before) * 1_000) / queryRuns).toFixed(1);
    say(`  ${name}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, ${cpu} ms of CPU${refused > 0 ? `, ${refused} of ${queryRuns} cut off` : ''}`);
  }
  say(`${counted(mebibytes(postmaster))} MiB of memory after the queries`);
}

await benchInsert();
await benchQueries();
await postgres.stop();
