/** Programs of the machine that tests need: found on the PATH, or installed once, before the tests, by apt-get as root. */
import { spawnSync } from 'node:child_process';

export interface MachineTool {
  readonly name: string;
  readonly programs: readonly string[];
  /** Debian's packages that bring them. */
  readonly packages: readonly string[];
}

/** What the provisioning asks of the machine; a test brings its own. */
export interface Machine {
  /** Whether the command ends with status 0. */
  run(file: string, ...args: readonly string[]): boolean;
  readonly isRoot: boolean;
}

export const machineTools: readonly MachineTool[] = [
  { name: 'Redis', programs: ['redis-server', 'redis-cli'], packages: ['redis-server', 'redis-tools'] },
  { name: 'OpenSSL', programs: ['openssl'], packages: ['openssl'] },
];

/** For the tests of the web page alone. */
export const browserTools: readonly MachineTool[] = [{ name: 'Chromium', programs: ['chromium'], packages: ['chromium'] }];

const thisMachine: Machine = {
  run: (file, ...args) =>
    spawnSync(file, args, { stdio: 'ignore', timeout: 600_000, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status === 0,
  isRoot: process.getuid?.() === 0,
};

/** Throws with one sentence that says what to install. */
export function provide({ name, programs, packages }: MachineTool, machine: Machine = thisMachine): void {
  const isThere = () => programs.every((program) => machine.run('sh', '-c', `command -v ${program}`));
  if (isThere()) return;
  if (machine.isRoot && machine.run('apt-get', '--version')) {
    const install = () => machine.run('apt-get', 'install', '-y', '--no-install-recommends', ...packages);
    if (!install() && machine.run('apt-get', 'update')) install();
    if (isThere()) return;
  }
  throw new Error(`Cannot run the tests: ${name} is missing, wanted ${programs.join(' and ')} on the PATH (Debian: ${packages.join(' ')})`);
}
