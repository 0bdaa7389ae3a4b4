/** The command line as a person runs it: what each command prints, to which stream, and how it exits. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { field, listField, textField } from '../../shared/events/json.ts';
import { captures, crashloop, knspan, receiver, rollout } from '../helpers/cli.ts';
import { eventJson } from '../helpers/event.ts';

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

const heads = (text: string) => text.split('\n').filter((line) => /^\S/.test(line) && !/^[├└│]/.test(line));

describe('demo and replay', () => {
  test('demo shows the rollout', async () => {
    const { status, out, err } = await knspan(['demo']);
    assert.equal(status, 0, err);
    assert.match(out, /^Deployment checkout\/cart: create.* ok /m);
    assert.match(out, /^Deployment checkout\/cart: rollout.* ok /m);
    assert.match(out, /^Deployment checkout\/cart: rollback.* ok /m);
    assert.match(out, /pull 127\.0\.0\.1:5055\/checkout\/cart:2 \(4\.1 MB\)/);
    assert.match(out, /What to try next:/);
    assert.match(err, /^101 events read; 3 traces shown, 0 failed, \d+ spans$/m);
  });

  test('from standard input the same as from the file', async () => {
    const [piped, read] = await Promise.all([knspan(['replay', '-'], { stdin: await readFile(crashloop) }), knspan(['replay', crashloop])]);
    assert.deepEqual([piped.status, read.status], [0, 0]);
    assert.equal(piped.out, read.out);
    assert.match(piped.out, /^Deployment payments\/worker: /m);
  });

  test('--view list: a line a trace; --quiet: nothing on standard error', async () => {
    const { status, out, err } = await knspan(['replay', crashloop, '--view', 'list', '--quiet']);
    assert.equal(status, 0);
    assert.equal(err, '');
    const lines = out.trimEnd().split('\n');
    assert.ok(lines.length > 2);
    for (const line of lines)
      assert.match(line, /^2026-11-20T20:4\d:\d\dZ +(·|\S+ \S+( \d+ s)?) +(ok|failed) .* (1 event |\d+ events) +[0-9a-f]{8}$/);
  });

  test('--failed, --since, --namespace, --exit-code', async () => {
    const all = heads((await knspan(['replay', crashloop])).out);
    const failed = await knspan(['replay', crashloop, '--failed', '--exit-code']);
    assert.equal(failed.status, 1);
    assert.deepEqual(
      heads(failed.out),
      all.filter((line) => / failed /.test(line)),
    );
    assert.ok(heads(failed.out).length < all.length);
    const since = await knspan(['replay', crashloop, '--since', '2026-11-20T20:44:12Z']);
    assert.ok(since.status === 0 && heads(since.out).length > 0 && heads(since.out).length < all.length);
    const none = await knspan(['replay', crashloop, '--namespace', 'nobody', '--exit-code']);
    assert.deepEqual([none.status, none.out], [0, '']);
    assert.match(none.err, / 0 of \d+ traces shown/);
  });

  test('--why, --orphans, --deliver', async () => {
    const why = await knspan(['replay', crashloop, '--why', '--orphans', 'each']);
    assert.ok(why.status === 0 && /↳ rule /.test(why.out));
    const shuffled = await knspan(['replay', rollout, '--view', 'list', '--deliver', 'shuffle=3,duplicate=0.5,split=5']);
    assert.equal(shuffled.out, (await knspan(['replay', rollout, '--view', 'list'])).out);
  });

  test('escapes in a message do not reach the terminal raw', async () => {
    const evil = { message: 'Error: \u001b[31mred\u001b[0m \u001b]0;owned\u0007', reason: '\u001b[2J', type: 'Warning' };
    const source = { component: '\u001b[5mblink' };
    const path = await file('evil.json', JSON.stringify(eventJson({ ...evil, source })));
    for (const args of [['--why'], ['--view', 'list'], ['--orphans', 'each', '--why']]) {
      const { status, out, err } = await knspan(['replay', path, ...args]);
      assert.equal(status, 0);
      assert.ok(out.length > 0 && !/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(out + err), JSON.stringify(out + err));
    }
    const uid = '11111111-0000-4000-8000-000000000001';
    assert.ok(!(await knspan(['explain', uid, path])).out.includes('\u001b'));
  });

  test('a closed pipe ends quietly', async () => {
    const { status, err } = await knspan(['replay', captures, '--why', '--quiet'], { closes: true });
    assert.deepEqual([status, err], [0, '']);
  });
});

describe('wrong usage', () => {
  for (const [args, wanted] of [
    [['replay', crashloop, '--nope'], /unknown option '--nope'/],
    [['replay'], /missing required argument/],
    [['nope'], /unknown command/],
    [['replay', crashloop, '--view', 'pie'], /Allowed choices are tree, list/],
    [['replay', crashloop, '--budget', 'x'], /wanted a whole number from 10 on, found 'x'/],
    [['replay', crashloop, '--deliver', 'split=0'], /wanted 'shuffle=SEED,duplicate=P,split=N'/],
    [['replay', crashloop, '--since', 'yesterday'], /^Cannot use --since: wanted a duration .*, found 'yesterday'\n$/],
    [['replay', '/nowhere/x.json'], /^Cannot read '\/nowhere\/x\.json': ENOENT.*\n$/],
    [['replay', crashloop, '--rules', '/nowhere/r.yaml'], /^Cannot read rules '\/nowhere\/r\.yaml': ENOENT.*\n$/],
    [['find', 'cart', rollout], /^Cannot find 'cart': wanted kind\/name, e\.g\. deployment\/web\n$/],
    [['serve', '--port', '99999'], /wanted a whole number from 0 to 65535, found '99999'/],
    [['explain', 'no-such-uid', crashloop], /^Cannot explain event 'no-such-uid': no such event in the input/],
  ] as const)
    test(`${args.map((arg) => arg.replace(captures, '')).join(' ')}: exit 2`, async () => {
      const { status, out, err } = await knspan(args);
      assert.deepEqual([status, out], [2, '']);
      assert.match(err, wanted);
      assert.doesNotMatch(err, /^ +at /m);
    });

  test('input without any Event: exit 2, what was found instead, and what is wanted', async () => {
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
        assert.match(err, /^Cannot find an Event in the input: wanted what 'kubectl get events -A -o json' gives/m);
        assert.ok(err.includes(name), err);
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
      [['serve', '--quiet'], { REDIS_URL: 'nonsense' }, /^Cannot start knspan: REDIS_URL is not readable, wanted redis/m],
      [['serve', '--quiet', '--port', new URL(url).port], {}, /^Cannot listen on port \d+: .*EADDRINUSE/m],
      [['serve', '--quiet', '--port', '0'], { KNSPAN_BUDGET: 'many' }, /'many' from env 'KNSPAN_BUDGET' is invalid/],
    ] as const) {
      const { status, err } = await knspan(args, { env });
      assert.equal(status, 2, err);
      assert.match(err, wanted);
      assert.doesNotMatch(err, /^ +at /m);
    }
  });

  test('--help of each command: exit codes, and no default that says nothing', async () => {
    for (const command of ['demo', 'replay', 'watch', 'serve', 'explain', 'find', 'rules', 'deadletters', 'extension']) {
      const { status, out } = await knspan([command, '--help']);
      assert.equal(status, 0);
      assert.match(out, /Exit codes: 0 done/);
      assert.doesNotMatch(out, /default: (\[\]|false|""|\))/);
    }
  });

  test('--help is no fault', async () => {
    const { status, out } = await knspan(['--help']);
    assert.equal(status, 0);
    assert.match(out, /Exit codes: 0 done/);
  });
});

describe('rules check, explain, find', () => {
  test('a bad rules file is named with line, column and what would do', async () => {
    const bad = await file('bad.yaml', 'rules:\n  - id: my-rule\n    class: explode\n    reason: Boom\n');
    const good = await file('good.yaml', 'rules:\n  - id: my-rule\n    class: failure\n    reason: Boom\n');
    const { status, out } = await knspan(['rules', 'check', bad]);
    assert.equal(status, 1);
    assert.match(out, new RegExp(`^Cannot use rule 'my-rule' in ${bad} line 3, column 12: class is 'explode', permitted are .*failure`));
    const fine = await knspan(['rules', 'check', good]);
    assert.deepEqual([fine.status, fine.out], [0, '1 file checked: no faults\n']);
    const replay = await knspan(['replay', crashloop, '--rules', bad]);
    assert.equal(replay.status, 2);
    assert.match(replay.err, /line 3, column 12[\s\S]*--lenient/);
    assert.equal((await knspan(['replay', crashloop, '--rules', bad, '--lenient'])).status, 0);
  });

  test('explain: the parent, the rule, the evidence', async () => {
    const dump = JSON.parse(await readFile(crashloop, 'utf8'));
    const scheduled = listField(dump, 'items', 1_000).find((item) => field(item, 'reason') === 'Scheduled');
    const uid = textField(field(scheduled, 'metadata'), 'uid');
    const { status, out } = await knspan(['explain', uid, crashloop]);
    assert.equal(status, 0);
    assert.ok(out.startsWith(`${uid}#1  Pod/`));
    for (const key of ['parent', 'change', 'rule', 'evidence']) assert.match(out, new RegExp(`^  ${key} +\\S`, 'm'));
  });

  test('find: each trace of the object with its link', async () => {
    const env = { KNSPAN_TRACE_URL: 'http://jaeger.example/trace/{traceId}' };
    const { status, out } = await knspan(['find', 'deployment/cart', rollout], { env });
    assert.equal(status, 0);
    assert.equal(out.match(/^ {2}http:\/\/jaeger\.example\/trace\/[0-9a-f]{32}$/gm)?.length, 3);
    const last = await knspan(['find', 'deploy/cart', rollout, '--last']);
    assert.match(last.out, /^\S+ +.*\n {2}trace [0-9a-f]{32}\n$/);
    const tree = await knspan(['find', 'deploy/cart', rollout, '--last', '--view', 'tree']);
    assert.match(tree.out, /^Deployment checkout\/cart: rollback [\s\S]* {2}trace [0-9a-f]{32}\n[├└]─ /);
    const troubled = await knspan(['find', 'deploy/worker', crashloop, '--last']);
    assert.match(troubled.out, /Deployment payments\/worker: rollout /);
    const none = await knspan(['find', 'deployment/nobody', rollout]);
    assert.deepEqual([none.status, none.out, none.err], [0, '', 'No trace of deployment/nobody among 101 events\n']);
  });
});
