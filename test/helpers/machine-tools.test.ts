/** Provisioning of the programs that tests need. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Machine, provide } from './machine-tools.ts';

const tool = { name: 'Redis', programs: ['redis-server', 'redis-cli'], packages: ['redis-server', 'redis-tools'] };

/** Has programs only once they are installed, and knows packages only once their list is there. */
class FakeMachine implements Machine {
  readonly commands: string[] = [];
  readonly isRoot: boolean;
  #isInstalled: boolean;
  #hasList: boolean;
  readonly #hasApt: boolean;

  constructor({ isRoot = true, isInstalled = false, hasList = false, hasApt = true }) {
    this.isRoot = isRoot;
    this.#isInstalled = isInstalled;
    this.#hasList = hasList;
    this.#hasApt = hasApt;
  }

  run(file: string, ...args: readonly string[]): boolean {
    if (file === 'sh') return this.#isInstalled;
    this.commands.push([file, ...args].join(' '));
    if (args[0] === 'update') this.#hasList = true;
    if (args[0] === 'install' && this.#hasList) this.#isInstalled = true;
    return this.#hasApt && (args[0] !== 'install' || this.#hasList);
  }
}

describe('provide', () => {
  const install = 'apt-get install -y --no-install-recommends redis-server redis-tools';

  it('installs nothing where the programs are on the PATH', () => {
    const machine = new FakeMachine({ isInstalled: true });
    provide(tool, machine);
    assert.deepEqual(machine.commands, []);
  });

  it('installs by apt-get as root, and updates the list of packages only where that fails', () => {
    const [known, fresh] = [new FakeMachine({ hasList: true }), new FakeMachine({})];
    for (const machine of [known, fresh]) provide(tool, machine);
    assert.deepEqual(known.commands, ['apt-get --version', install]);
    assert.deepEqual(fresh.commands, ['apt-get --version', install, 'apt-get update', install]);
  });

  it('says what to install where it may not or cannot', () => {
    for (const machine of [new FakeMachine({ isRoot: false, hasList: true }), new FakeMachine({ hasApt: false })])
      assert.throws(
        () => provide(tool, machine),
        /^Error: Cannot run the tests: Redis is missing, wanted redis-server and redis-cli on the PATH \(Debian: redis-server redis-tools\)$/,
      );
  });
});
