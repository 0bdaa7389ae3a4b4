/** The command line as a whole: help, version, wrong usage, exit codes; users never see a stack. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { field } from '../../shared/events/json.ts';
import { captures, crashloop, knspan, receiver, rollout } from '../helpers/cli.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'knspan-cli-'));
});
after(() => rm(folder, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const nowhereConfig = `apiVersion: v1
kind: Config
current-context: a
clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]
users: [{name: a, user: {}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
`;

describe('wrong usage', () => {
  for (const [args, wanted] of [
    [['replay', crashloop, '--nope'], /unknown option '--nope'/],
    [['replay'], /missing required argument/],
    [['nope'], /unknown command/],
    [['replay', crashloop, '--view', 'pie'], /Allowed choices are tree, list/],
    [['replay', crashloop, '--budget', 'x'], /Wanted an integer from 10 to 1000000, found 'x'\nRun 'knspan replay --help' for usage\n$/],
    [['replay', crashloop, '--deliver', 'split=0'], /Wanted 'shuffle=SEED,duplicate=P,split=N'/],
    [['replay', crashloop, '--since', 'yesterday'], /^Cannot use --since: wanted a duration .*, found 'yesterday'\n$/],
    [['replay', '/nowhere/x.json'], /^Cannot read '\/nowhere\/x\.json': ENOENT.*\n$/],
    [['replay', crashloop, '--rules', '/nowhere/r.yaml'], /^Cannot read rules '\/nowhere\/r\.yaml': ENOENT.*\n$/],
    [['find', 'cart', rollout], /^Cannot find 'cart': wanted kind\/name, e\.g\. deployment\/web\n$/],
    [['serve', '--correlators', '0'], /Wanted an integer from 1 to 64, found '0'/],
    [['replay', crashloop, '--through', 'serve', '--correlators', '65535'], /Wanted an integer from 1 to 64, found '65535'/],
    [['serve', '--port', '99999'], /Wanted an integer from 0 to 65535, found '99999'/],
    [['explain', 'no-such-uid', crashloop], /^Cannot explain Event 'no-such-uid': not among the 47 Events of the input/],
  ] as const)
    test(`${args.map((arg) => arg.replace(captures, '')).join(' ')}: exit 2`, async () => {
      const { status, out, err } = await knspan(args);
      assert.deepEqual([status, out], [2, '']);
      assert.match(err, wanted);
      assert.doesNotMatch(err, /^ +at /m);
    });

  test('input without any Event: exit 2, and what is wanted', async () => {
    const texts = {
      'empty.json': '',
      'table.txt': 'LAST SEEN   TYPE\n',
      'version.json': '{"clientVersion":{}}',
      'cut.json.gz': '\u001f\u008b',
    };
    for (const [name, text] of Object.entries(texts)) {
      const path = await file(name, text);
      for (const way of [[], ['--through', 'serve']]) {
        const { status, out, err } = await knspan(['replay', path, ...way]);
        assert.deepEqual([status, out], [2, ''], err);
        assert.match(
          err,
          /^Cannot find an Event in the input: wanted the output of 'kubectl get events -A' \(JSON, YAML or table\), a dump, or /m,
        );
        assert.doesNotMatch(err, /^ +at /m);
      }
    }
    const none = await knspan(['replay', await file('none.json', '{"kind":"List","apiVersion":"v1","items":[]}')]);
    assert.deepEqual([none.status, none.err], [0, '0 events read; 0 traces shown, 0 failed, 0 spans\n']);
  });

  test('no kubeconfig, no cluster, no Redis, a port that is taken: a sentence, exit 2', async (t) => {
    const nowhere = await file('nowhere.yaml', nowhereConfig);
    const { url, close } = await receiver(200);
    t.after(close);
    for (const [args, env, wanted] of [
      [['watch'], { KUBECONFIG: '/nowhere/config' }, /^Cannot reach a cluster: wanted a kubeconfig .*ENOENT/],
      [['find', 'deployment/web'], { KUBECONFIG: nowhere }, /^Cannot reach the cluster at http:\/\/127\.0\.0\.1:1: /],
      [['explain', 'uid'], { KUBECONFIG: nowhere }, /^Cannot reach the cluster at /],
      [['watch'], { KUBECONFIG: nowhere }, /^Cannot reach the cluster at /],
      [['deadletters'], { REDIS_URL: '' }, /^Cannot start deadletters: REDIS_URL is not set, wanted redis/],
      [['serve', '--no-history', '--quiet'], { REDIS_URL: 'nonsense' }, /^Cannot start knspan: REDIS_URL is not readable, wanted redis/m],
      [['serve', '--no-history', '--quiet', '--port', new URL(url).port], {}, /^Cannot listen on port \d+: .*EADDRINUSE/m],
      [['serve', '--quiet', '--port', '0'], { KNSPAN_BUDGET: 'many' }, /'many' from env 'KNSPAN_BUDGET' is invalid/],
    ] as const) {
      const { status, err } = await knspan(args, { env });
      assert.equal(status, 2, err);
      assert.match(err, wanted);
      assert.doesNotMatch(err, /^ +at /m);
    }
  });
});

describe('help', () => {
  const commands = [
    'demo',
    'replay',
    'watch',
    'serve',
    'explain',
    'find',
    'rules',
    'rules check',
    'deadletters',
    'completion',
    'extension',
  ];
  for (const command of commands)
    test(`${command} --help: examples, exit codes, and no default that says nothing`, async () => {
      const { status, out, err } = await knspan([...command.split(' '), '--help']);
      assert.deepEqual([status, err], [0, '']);
      assert.match(out, /^Examples:\n {2}\S/m);
      assert.match(out, /^Exit codes:\n {2}0 {2}done/m);
      assert.doesNotMatch(out, /default: (\[\]|false|""|\))|undefined/);
    });

  test('--help lists every command in a group', async () => {
    const { status, out } = await knspan(['--help']);
    assert.equal(status, 0);
    for (const command of commands) assert.match(out, new RegExp(`^ {2}${command.split(' ')[0]} `, 'm'));
    assert.doesNotMatch(out, /^Commands:/m);
  });

  test('without a command: the help, exit 2', async () => {
    const { status, err } = await knspan([]);
    assert.equal(status, 2);
    assert.match(err, /^Usage: knspan <command>/);
  });

  test('--version: that of the package', async () => {
    const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    for (const flag of ['--version', '-V']) {
      const { status, out } = await knspan([flag]);
      assert.deepEqual([status, out], [0, `${field(manifest, 'version')}\n`]);
    }
  });

  test('a plugin of kubectl calls itself by that name', async () => {
    const { status, out } = await knspan(['find', '--help'], { bin: 'kubectl-knspan.js' });
    assert.equal(status, 0);
    assert.match(out, /^Usage: kubectl knspan find /);
    assert.match(out, /^ {2}kubectl knspan find deployment\/web -n shop$/m);
  });
});
