/** The embedded PostgreSQL: as which user it runs, what is left of it, who may open its folder, what happens when it is killed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DatabaseError } from '../../shared/history/database.ts';
import { findBinaries } from '../../shared/history/embedded/binaries.ts';
import { defaultDataFolder, openDataFolder } from '../../shared/history/embedded/data-folder.ts';
import { type OpenedDatabase, openDatabase } from '../../shared/history/open.ts';
import { int, rowOf, text } from '../../shared/history/row.ts';
import { sql } from '../../shared/history/sql.ts';
import { Log } from '../../shared/process/log.ts';
import { owned } from '../helpers/owned.ts';
import { until } from '../helpers/until.ts';

const log = new Log({ function: 'test', level: 'off' });
const graceMs = 20_000;
const source = fileURLToPath(new URL('../../shared/history/', import.meta.url));
const parent = mkdtempSync(join(tmpdir(), 'knspan-embedded-'));
// Another user than this one may run the server.
chmodSync(parent, 0o755);
/** Of all tests but where they say otherwise: to set one up takes longer than all else. */
let folder = join(parent, 'data');

afterEach(() => {
  if (existsSync(postmaster())) process.kill(pidOf(), 'SIGQUIT');
  folder = join(parent, 'data');
});
after(() => rmSync(parent, { recursive: true, force: true }));

function open(more: { readonly shared?: boolean; readonly name?: string } = {}): Promise<OpenedDatabase> {
  const { name = 'knspan test', ...target } = more;
  return openDatabase({ kind: 'folder', folder, ...target }, { name, log });
}

const pidRow = rowOf({ pid: int });
const postmaster = () => join(folder, 'postgresql/postmaster.pid');

async function backends({ database }: OpenedDatabase): Promise<number> {
  const [row] = await database.rows(pidRow, sql`select pg_backend_pid() as pid`);
  return row?.pid ?? 0;
}

function pidOf(): number {
  return Number(readFileSync(postmaster(), 'utf8').split('\n')[0]);
}

/** Another process that opens the folder and uses a connection. */
async function otherProcess(name: string, shared: boolean) {
  const script = `
    const { openDatabase } = await import(${JSON.stringify(`${source}open.ts`)});
    const { Log } = await import(${JSON.stringify(`${source}../process/log.ts`)});
    const log = new Log({ function: 'other', level: 'off' });
    const target = { kind: 'folder', folder: ${JSON.stringify(folder)}, shared: ${shared} };
    const { database } = await openDatabase(target, { name: '${name}', log });
    database.connected(() => new Promise(() => {}));
    process.stdout.write('open');
    setInterval(() => {}, 1000);`;
  const child = owned(spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] }));
  await once(child.stdout, 'data');
  return child;
}

describe('the embedded PostgreSQL', () => {
  it('is reachable in its folder alone, runs as its owner, keeps what was written, and ends with who has opened it', async () => {
    const opened = await open();
    await opened.database.query(sql`insert into history.clusters (id, name) values (7, 'kept')`);
    const { mode, uid } = statSync(folder);
    assert.equal(mode & 0o777, 0o700);
    if (process.getuid?.() === 0) assert.notEqual(uid, 0);
    const [tcp] = await opened.database.rows(rowOf({ listen: text }), sql`select current_setting('listen_addresses') as listen`);
    assert.equal(tcp?.listen, '');
    await opened.close(graceMs);
    assert.ok(!existsSync(postmaster()));
    const again = await open();
    const [row] = await again.database.rows(rowOf({ name: text }), sql`select name from history.clusters where id = 7`);
    assert.equal(row?.name, 'kept');
    await again.close(graceMs);
  });

  it('is shared with others by its holder, refused to a second one by name, and ended by the last', async () => {
    const first = await open({ name: 'knspan serve' });
    await assert.rejects(open(), (error: unknown) => {
      assert.ok(error instanceof DatabaseError);
      assert.match(
        error.message,
        /^Cannot open data folder '.*': knspan serve \(process \d+\) has it open, wanted another folder \(--data\) or --no-history$/,
      );
      return true;
    });
    const child = await otherProcess('knspan sql', true);
    await first.close(graceMs);
    assert.ok(existsSync(postmaster()), 'the other one still uses it');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const last = await open();
    await last.close(graceMs);
    assert.ok(!existsSync(postmaster()));
  });

  it('that a SIGKILL has left running is used again', async () => {
    const child = await otherProcess('knspan serve', false);
    const pid = pidOf();
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(pidOf(), pid);
    const opened = await open();
    assert.equal(pidOf(), pid);
    await opened.close(graceMs);
    assert.ok(!existsSync(postmaster()));
  });

  it('is started again when it is killed', async () => {
    const opened = await open();
    const before = pidOf();
    process.kill(before, 'SIGKILL');
    await until('another one runs', () => existsSync(postmaster()) && pidOf() !== before);
    await until('it answers', async () => (await backends(opened).catch(() => 0)) > 0);
    await opened.close(graceMs);
  });

  it('starts although the number of the server that ran before belongs to another program by now', async () => {
    await (await open()).close(graceMs);
    const other = owned(spawn('sleep', ['60'], { stdio: 'ignore', ...ownerOf(folder) }));
    writeFileSync(postmaster(), `${other.pid}\n${join(folder, 'postgresql')}\n1\n5432\n${join(folder, 'run')}\n\n 1 1\nready\n`);
    const opened = await open();
    assert.notEqual(pidOf(), other.pid);
    await opened.close(graceMs);
    other.kill();
  });

  it('refuses a folder that holds files of others', async () => {
    folder = mkdtempSync(join(parent, 'other-'));
    writeFileSync(join(folder, 'thesis.tex'), '');
    await assert.rejects(
      open(),
      /^DatabaseError: Cannot use data folder '.*': it holds files of others, wanted an empty folder or a new one$/,
    );
    assert.deepEqual(readdirSync(folder), ['thesis.tex']);
  });

  it('has its socket elsewhere where the path of the folder is too long for one', async () => {
    folder = join(parent, 'long'.repeat(20), 'data');
    const opened = await open();
    assert.ok((await backends(opened)) > 0);
    assert.ok(openDataFolder(folder).socket.length < 100);
    await opened.close(graceMs);
  });

  it('makes the links of its libraries where the install script of its package did not run', () => {
    const { postgres = '' } = findBinaries() ?? {};
    const link = join(postgres, '../../lib/libpq.so.5');
    if (!existsSync(link)) return;
    unlinkSync(link);
    findBinaries();
    assert.ok(existsSync(link));
  });
});

function ownerOf(path: string): { uid?: number; gid?: number } {
  const { uid, gid } = statSync(path);
  return process.getuid?.() === 0 ? { uid, gid } : {};
}

describe('defaultDataFolder()', () => {
  it('is the folder for state of the user', () => {
    assert.equal(defaultDataFolder({ XDG_STATE_HOME: '/state' }), '/state/knspan');
    assert.match(defaultDataFolder({}), /(\/\.local\/state|\/var\/lib)\/knspan$/);
  });
});
