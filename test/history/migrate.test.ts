/** Migrations: applied once however many replicas start at once, and written so that the tables may be spread over several machines. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Database } from '../../shared/history/database.ts';
import { migrate, migrationNames } from '../../shared/history/migrate.ts';
import { int, rowOf } from '../../shared/history/row.ts';
import { sql } from '../../shared/history/sql.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';

const folder = fileURLToPath(new URL('../../shared/history/', import.meta.url));
const counted = rowOf({ count: int });
let postgres: TestPostgres;

before(async () => {
  postgres = await startPostgres();
});
after(() => postgres.stop());

describe('migrate()', () => {
  it('applies each migration once when twelve replicas start at once', async () => {
    const blank = await postgres.database('blank');
    const replicas = Array.from(
      { length: 12 },
      () => new Database({ connection: blank.connection, name: 'replica', connectionsMax: 1, timeoutMs: 60_000 }),
    );
    const applied = await Promise.all(replicas.map(migrate));
    assert.equal(
      applied.reduce((sum, one) => sum + one, 0),
      migrationNames().length,
    );
    const [row] = await blank.rows(counted, sql`select count(*) as count from history.migrations`);
    assert.equal(row?.count, migrationNames().length);
    assert.equal(await migrate(blank), 0);
    await Promise.all(replicas.map((one) => one.close()));
  });

  it('leaves a schema of a later release as it is', async () => {
    const database = await postgres.database();
    await database.query(sql`insert into history.migrations (id, at) values (${migrationNames().length + 7}, now())`);
    assert.equal(await migrate(database), 0);
  });
});

/** SQL of the files and of the templates, without comments. */
function texts(): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(sql|ts)$/.test(name));
  return new Map(
    files.map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      return [name, name.endsWith('.sql') ? text.replaceAll(/--.*$/gm, '') : text.replaceAll(/\/\*\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')];
    }),
  );
}

describe('the SQL of the history', () => {
  it('has nothing that a cluster of PostgreSQL servers cannot do', () => {
    const forbidden =
      /\breferences\b|\bserial\b|\bsequence\b|generated (always|by default) as identity|\bfor update\b|\bfor share\b|\bwith recursive\b|\blisten\b|\bnotify\b|\brandom\(\)|gen_random_uuid/i;
    for (const [name, text] of texts()) assert.doesNotMatch(text, forbidden, name);
  });

  it('has the column that a table is spread by in each of its unique keys', () => {
    const schema = [...texts()]
      .filter(([name]) => name.startsWith('migrations/'))
      .map(([, text]) => text)
      .join('\n');
    const spread = [...(texts().get('migrate.ts') ?? '').matchAll(/\('history\.([a-z_]+)', '([a-z_]+)'\)/g)];
    assert.ok(spread.length >= 8);
    for (const [, table = '', key = ''] of spread) {
      const definition = new RegExp(`create table history\\.${table} \\(([\\s\\S]*?)\\n\\)`).exec(schema)?.[1] ?? '';
      const keys = [...definition.matchAll(/(?:primary key|unique) \(([^)]*)\)|^\s*([a-z_]+) .*primary key/gm)];
      assert.ok(keys.length > 0, table);
      for (const [, columns, column] of keys) assert.match(columns ?? column ?? '', new RegExp(`\\b${key}\\b`), table);
    }
    assert.doesNotMatch(schema, /create unique index/);
  });

  it('is never prepared under a name', () => {
    for (const [name, text] of texts()) assert.doesNotMatch(text, /\bprepare [a-z]|query\(\{[^}]*\bname:/, name);
  });
});

describe('Database', () => {
  it('waits for an answer as long as a statement may take, be it longer than the others', async () => {
    const blank = await postgres.database('blank');
    const impatient = new Database({ connection: blank.connection, name: 'impatient', connectionsMax: 1, timeoutMs: 100 });
    await assert.rejects(impatient.query(sql`select pg_sleep(0.3)`), /statement timeout/);
    await impatient.query(sql`select pg_sleep(5.3)`, { timeoutMs: 20_000 });
    await impatient.close();
  });
});
