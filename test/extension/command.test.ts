/** `knspan extension` and `knspan demo heartbeats` as a person runs them. */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseWiring } from '../../shared/dev-broker/read-wiring.ts';
import { captures, knspan } from '../helpers/cli.ts';

const top = fileURLToPath(new URL('../../', import.meta.url));
const one = ['--capture', join(captures, 'crashloop')];

describe('knspan extension', () => {
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'knspan-'));
    await mkdir(join(folder, 'node_modules'));
    await symlink(top, join(folder, 'node_modules', 'knspan'));
    await cp(join(top, 'functions/samples/template'), folder, { recursive: true });
  });

  after(() => rm(folder, { recursive: true }));

  async function fileOf(name: string, body: string): Promise<string> {
    const file = join(folder, `${name}.ts`);
    await writeFile(file, `import { defineFunction, segmentType } from 'knspan/extension';\n${body}`);
    return file;
  }

  it('test: the template passes as it is', async () => {
    const { status, out } = await knspan(['extension', 'test', join(folder, 'index.ts'), ...one]);
    assert.equal(status, 0, out);
    assert.match(
      out,
      /^my-function: 1 capture through the local broker\n {2}dev\.knspan\.trace\.segment: \d+ replied\n {2}\d+ segments to the exporter\n/,
    );
  });

  it('yaml: the objects that its definition implies, which the broker can read', async () => {
    const { status, out } = await knspan(['extension', 'yaml', join(folder, 'index.ts'), '--image', 'registry.example/my:1']);
    assert.equal(status, 0);
    const broker = (name: string) => ({ apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', metadata: { name, namespace: 'knspan' } });
    const reconciler = {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata: { name: 'reconciler', namespace: 'knspan' },
      spec: { template: { spec: { containers: [{ image: 'x' }] } } },
    };
    const base = [broker('traces'), broker('events'), reconciler].map((object, index) => ({
      file: `${index}`,
      text: JSON.stringify(object),
    }));
    const wiring = parseWiring([...base, { file: 'ours', text: out }]);
    assert.deepEqual(
      wiring.triggers.map(({ name, broker: to, filter }) => [name, to, filter]),
      [['my-function-traces', 'traces', { kind: 'all', filters: [{ kind: 'exact', entries: [['type', 'dev.knspan.trace.segment']] }] }]],
    );
    assert.equal(wiring.services.find(({ name }) => name === 'my-function')?.image, 'registry.example/my:1');
  });

  it('test: fails for replies that differ, replies against the rules, what throws, and what nothing comes to', async () => {
    const bodies: Readonly<Record<string, readonly [body: string, reason: RegExp]>> = {
      random: [`handle: () => ({ type: 'x.y', extensions: { n: String(Math.random()) } })`, /two different replies/],
      wrong: [`handle: () => ({ type: 'x.z' })`, /its type is 'x\.z', wanted one of its 'replies'/],
      throwing: [`handle: () => { throw new Error('my own fault'); }`, /failed: my own fault/],
    };
    for (const [name, [body, reason]] of Object.entries(bodies)) {
      const file = await fileOf(
        name,
        `export default defineFunction({ name: '${name}', types: [segmentType], replies: ['x.y'], ${body} });`,
      );
      const { status, out } = await knspan(['extension', 'test', file, ...one]);
      assert.equal(status, 1, name);
      assert.match(out, reason);
    }
    const idle = await fileOf('idle', `export default defineFunction({ name: 'idle', types: ['never.comes'], handle: () => null });`);
    const { status, out } = await knspan(['extension', 'test', idle, ...one]);
    assert.equal(status, 1);
    assert.match(out, /No event reached it/);
  });

  it('says in a sentence what is wrong with a file', async () => {
    const none = await fileOf('none', 'export const x = segmentType ?? defineFunction;');
    const loop = await fileOf('loop', `export default defineFunction({ name: 'l', types: ['a'], replies: ['a'], handle: () => null });`);
    for (const [file, reason] of [
      [join(folder, 'absent.ts'), /^Cannot load .*absent\.ts: there is no such file\n$/],
      [none, /^Cannot use .*none\.ts: wanted 'export default defineFunction\(\{\.\.\.\}\)', found no default export\n$/],
      [loop, /^Cannot load .*loop\.ts: Cannot define function 'l': it takes its own reply 'a'.*\n$/],
    ] as const) {
      const { status, err } = await knspan(['extension', 'test', file]);
      assert.equal(status, 2);
      assert.match(err, reason);
    }
  });
});

describe('knspan demo heartbeats', () => {
  it('plays the game and counts both sides', async () => {
    const { status, out } = await knspan(['demo', 'heartbeats', '--beats', '3'], { env: { KNSPAN_HEARTBEAT_PERIOD: '1ms' } });
    assert.equal(status, 0);
    const [, flipped, shown] = /3 heartbeats, a game each\. Flipped: (.*)\. Shown: (.*)\.\n$/.exec(out) ?? [];
    assert.ok(flipped);
    assert.equal(shown, flipped);
  });
});
