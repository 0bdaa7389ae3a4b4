/** KNSPAN_ variables that nothing reads: usually misspelled. Each is reported at start with the nearest known name. */
import type { Environment } from './settings.ts';

/** All KNSPAN_ variables of functions and command line; a test compares the list with the code. */
export const knownVariables: readonly string[] = [
  'KNSPAN_ALLOW_VOLATILE',
  'KNSPAN_AUTH',
  'KNSPAN_BACKFILL',
  'KNSPAN_BUDGET',
  'KNSPAN_CA_BUNDLE',
  'KNSPAN_CLOCK_OFFSET',
  'KNSPAN_CLUSTER',
  'KNSPAN_DEAD_LETTERS_MAX',
  'KNSPAN_DEAD_LETTERS_TTL',
  'KNSPAN_EMIT_CONCURRENCY',
  'KNSPAN_EXCLUDE_NAMESPACES',
  'KNSPAN_EXPORT_DEADLINE',
  'KNSPAN_GRACE',
  'KNSPAN_HEARTBEATS',
  'KNSPAN_HEARTBEAT_PERIOD',
  'KNSPAN_HISTORY_WAITING_MAX',
  'KNSPAN_LOG_LEVEL',
  'KNSPAN_LOOKUPS',
  'KNSPAN_MISSED_AFTER',
  'KNSPAN_MISSED_RATE',
  'KNSPAN_NAMESPACES',
  'KNSPAN_OBJECTS_TTL',
  'KNSPAN_OIDC_TOKEN_FILE',
  'KNSPAN_ORPHANS',
  'KNSPAN_OUTBOX_MAX',
  'KNSPAN_PAGE_URL',
  'KNSPAN_PENDING_MAX',
  'KNSPAN_REDIS_PREFIX',
  'KNSPAN_REPAIR_GAPS',
  'KNSPAN_RETENTION',
  'KNSPAN_ROOT_SERVICE',
  'KNSPAN_RULES',
  'KNSPAN_RUNTIME_BUDGET',
  'KNSPAN_RUNTIME_BYTES_MAX',
  'KNSPAN_RUNTIME_SPANS_MAX',
  'KNSPAN_RUNTIME_TTL',
  'KNSPAN_SEEN_TTL',
  'KNSPAN_SELF_TRACING',
  'KNSPAN_SOURCE',
  'KNSPAN_SUBSCRIBERS',
  'KNSPAN_TEAMS',
  'KNSPAN_TICK_TIMEOUT',
  'KNSPAN_TRACE_URL',
];

/** Set by Kubernetes in every pod of a namespace with a Service called `knspan` or `knspan-...`. */
const serviceVariable = /_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$/;
const reportedMax = 20;

/** One sentence per unknown variable. */
export function unknownVariables(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('KNSPAN_') && !knownVariables.includes(name) && !serviceVariable.test(name))
    .slice(0, reportedMax)
    .map((name) => `Unknown variable ${name.slice(0, 100)} is ignored: the nearest known one is ${nearest(name.slice(0, 100))}`);
}

function nearest(name: string): string {
  const [first = ''] = knownVariables.toSorted((a, b) => editDistance(name, a) - editDistance(name, b));
  return first;
}

/** Levenshtein: the least number of characters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [line, char] of [...a].entries()) {
    const row = [line + 1];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (above[column - 1] ?? 0) + (char === b[column - 1] ? 0 : 1);
      row.push(Math.min((above[column] ?? 0) + 1, (row[column - 1] ?? 0) + 1, replaced));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}
