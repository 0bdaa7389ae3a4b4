/**
 * Stand-ins for the two base images of the Containerfile, under their names, for machines without an image registry: made from Debian
 * packages, the Node.js of the lock file, and npm with the machine's settings and certificates.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const common = ['base-files', 'libc6', 'libgcc-s1', 'libstdc++6'];
const shell = ['dash', 'coreutils', 'libacl1', 'libattr1', 'libpcre2-8-0', 'libselinux1'];
const leftOut = /^\/(\.|bin|sbin|lib|lib64|proc|sys|dev)?$|^\/usr\/share\/(doc|man|info|lintian|locale)\//;

/** As outside npm scripts, which put the Node.js of the lock file first and set npm's prefix to it; that one has no npm of its own. */
const machinePath = (process.env['PATH'] ?? '').split(delimiter).filter((path) => !path.includes('node_modules'));
const ownSettings = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
const env = { ...Object.fromEntries(ownSettings), PATH: machinePath.join(delimiter) };
const run = (file: string, ...args: string[]): string =>
  execFileSync(file, args, { encoding: 'utf8', env, maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** docker.io/library/node: a shell, Node.js and npm. */
export function makeNodeImage(folder: string, node: string): void {
  makeRoot(folder, [...common, ...shell]);
  const place = join(folder, 'usr/local');
  for (const name of ['bin', 'etc', 'lib/node_modules']) mkdirSync(join(place, name), { recursive: true });
  cpSync(node, join(place, 'bin/node'));
  cpSync(join(run('npm', 'root', '--global'), 'npm'), join(place, 'lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(place, 'bin/npm'));
  const settings = { globalconfig: join(place, 'etc/npmrc'), userconfig: join(folder, 'root/.npmrc') };
  for (const [name, to] of Object.entries(settings)) {
    const file = run('npm', 'config', 'get', name);
    if (existsSync(file)) cpSync(file, to);
  }
  cpSync('/etc/ssl/certs', join(folder, 'etc/ssl/certs'), { recursive: true, dereference: true });
}

/** gcr.io/distroless/cc: the C and C++ libraries, and a user. */
export function makeDistrolessImage(folder: string): void {
  makeRoot(folder, common);
  writeFileSync(
    join(folder, 'etc/passwd'),
    'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
  );
}

/** The files of these packages as they are on this machine. */
function makeRoot(folder: string, packages: readonly string[]): void {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(folder, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(folder, name));
  }
  for (const name of ['dev', 'etc/ssl', 'proc', 'root', 'sys', 'tmp']) mkdirSync(join(folder, name), { recursive: true });
  const files = new Set(run('dpkg', '--listfiles', ...packages).split('\n'));
  const isFile = (file: string) => file.startsWith('/') && !leftOut.test(file) && existsSync(file) && !lstatSync(file).isDirectory();
  const list = [...files].filter(isFile).map((file) => `.${file}\n`);
  const copy = 'tar -C / -cf - -T - | tar -C "$1" --keep-directory-symlink -xf -';
  execFileSync('sh', ['-c', copy, 'sh', folder], { input: list.join('') });
}
