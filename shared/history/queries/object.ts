/** One object: what is known of it, the lives of its name, its owners and its children. */
import type { Database } from '../database.ts';
import { flag, int, optional, type RowOf, rowOf, text, texts, time } from '../row.ts';
import { type Sql, sql } from '../sql.ts';
import { type Scope, visible } from './scope.ts';

const objectRow = rowOf({
  cluster: text,
  kind: text,
  namespace: text,
  name: text,
  uid: text,
  api: text,
  firstAt: time,
  /** Of its last Event; null: it has none. */
  lastAt: optional(time),
  lastReason: optional(text),
  lastMessage: optional(text),
  lastFailed: optional(flag),
  createdAt: optional(time),
  deletedAt: optional(time),
  stoppedAt: optional(time),
  events: int,
  failures: int,
  restarts: int,
  phase: optional(text),
  ready: optional(flag),
  ownerUid: optional(text),
  node: optional(text),
  claims: optional(texts),
});
export type HistoryObject = RowOf<typeof objectRow>;

export interface ObjectName {
  /** Null: of any. */
  readonly cluster: string | null;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

const livesMax = 100;
const childrenMax = 1_000;
const ownersMax = 5;

/** All objects that had this name, the last one first. */
export function objectLives(database: Database, scope: Scope, name: ObjectName): Promise<HistoryObject[]> {
  return database.rows(objectRow, objectLivesSql(scope, name));
}

export function objectLivesSql(scope: Scope, { cluster, kind, namespace, name }: ObjectName): Sql {
  const inCluster = cluster === null ? sql`true` : sql`clusters.name = ${cluster}`;
  return objectSql(scope, sql`objects.kind = ${kind} and objects.namespace = ${namespace} and objects.name = ${name} and ${inCluster}`);
}

export async function objectByUid(database: Database, scope: Scope, uid: string): Promise<HistoryObject | null> {
  const [object] = await database.rows(objectRow, objectByUidSql(scope, uid));
  return object ?? null;
}

export function objectByUidSql(scope: Scope, uid: string): Sql {
  return objectSql(scope, sql`objects.uid = ${uid}::uuid`);
}

/** The controller owner, its owner, and so on: the nearest first. */
export async function ownersOf(database: Database, scope: Scope, object: HistoryObject): Promise<HistoryObject[]> {
  const owners: HistoryObject[] = [];
  for (let { ownerUid } = object; ownerUid !== null && owners.length < ownersMax; ) {
    const owner = await objectByUid(database, scope, ownerUid);
    if (owner === null || owners.some(({ uid }) => uid === owner.uid)) break;
    owners.push(owner);
    ownerUid = owner.ownerUid;
  }
  return owners;
}

/** What it owns, and what those own: the latest first. */
export async function childrenOf(database: Database, scope: Scope, object: HistoryObject): Promise<HistoryObject[]> {
  const children: HistoryObject[] = [];
  const known = new Set([object.uid]);
  for (let level = [object.uid], depth = 0; level.length > 0 && depth < ownersMax && children.length < childrenMax; depth += 1) {
    const found = await database.rows(objectRow, childrenSql(scope, level));
    const fresh = found.filter(({ uid }) => !known.has(uid));
    for (const { uid } of fresh) known.add(uid);
    children.push(...fresh);
    level = fresh.map(({ uid }) => uid);
  }
  return children.slice(0, childrenMax);
}

export function childrenSql(scope: Scope, owners: readonly string[]): Sql {
  return objectSql(scope, sql`objects.owner_uid = any(${owners}::uuid[])`, childrenMax);
}

function objectSql(scope: Scope, condition: Sql, limit = livesMax): Sql {
  return sql`
    select
      clusters.name as cluster, objects.kind, objects.namespace, objects.name, objects.uid, objects.api, objects.first_at as "firstAt",
      objects.last_at as "lastAt", objects.last_reason as "lastReason", objects.last_message as "lastMessage",
      objects.last_failed as "lastFailed", objects.created_at as "createdAt", objects.deleted_at as "deletedAt",
      objects.stopped_at as "stoppedAt", objects.events, objects.failures, coalesce(objects.restart_count, objects.restarts) as restarts,
      objects.phase, objects.ready, objects.owner_uid as "ownerUid", objects.node, objects.claims
    from history.objects as objects join history.clusters as clusters on clusters.id = objects.cluster
    where ${condition} and ${visible(scope, sql`objects`)}
    order by coalesce(objects.last_at, objects.first_at) desc, objects.uid limit ${limit}`;
}
