/**
 * The READMEs do what they say: every command in a block `sh` is run here, or the first line of its block says why not (`# not run by a
 * test: ...`) or where (`# run by npm run test:...`). Links lead to files, and tables repeat what the code holds.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ruleSchema } from '../shared/correlation/rules/rule-schema.ts';
import { isJson, listField, textField } from '../shared/events/json.ts';
import { captures, receiver } from './helpers/cli.ts';
import { FakeApiServer } from './helpers/fake-api-server.ts';
import { readmes } from './helpers/readmes.ts';
import { startRedis } from './helpers/redis.ts';

const top = fileURLToPath(new URL('..', import.meta.url));
const languages = ['sh', 'yaml', 'ts', 'text'];
const explained = /^# (not run by a test|run by npm run test:\w+)/;
const ready = /Following the cluster|Taking CloudEvents at|Page at/;

interface Block {
  readonly language: string;
  readonly text: string;
}

function blocksOf(file: string): Block[] {
  const text = readFileSync(join(top, file), 'utf8');
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(([, language = '', body = '']) => ({ language, text: body }));
}

function commandsOf(file: string): string[] {
  const run = blocksOf(file).filter(({ language, text }) => language === 'sh' && !explained.test(text));
  return run.flatMap(({ text }) => text.split('\n').filter((line) => line.trim() !== ''));
}

/** A folder with the files that the commands name, and stand-ins for `npx`, `npm ci` and `kubectl get events`. */
class Playground {
  readonly folder = mkdtempSync(join(tmpdir(), 'knspan-readmes-'));
  readonly #api = new FakeApiServer();
  readonly #ends: (() => unknown)[] = [() => rmSync(this.folder, { recursive: true })];
  #replacements: readonly (readonly [string, string])[] = [];

  async open(): Promise<void> {
    const events = this.#writeInputs();
    this.#writePrograms();
    for (const folder of ['functions', 'test/replay/captures/crashloop', 'test/runtime-spans/recordings']) {
      mkdirSync(dirname(join(this.folder, folder)), { recursive: true });
      cpSync(join(top, folder), join(this.folder, folder), { recursive: true });
    }
    mkdirSync(join(this.folder, 'node_modules'));
    symlinkSync(top, join(this.folder, 'node_modules/knspan'));
    for (const event of events) this.#api.put('/api/v1/events', textField(event['metadata'], 'uid'), event);
    this.#api.given.set('/api/v1/namespaces/kube-system', {
      body: { kind: 'PartialObjectMetadata', metadata: { uid: 'c1', name: 'kube-system' } },
    });
    this.#api.given.set('/api/v1', { body: { resources: [{ name: 'namespaces', kind: 'Namespace', namespaced: false, verbs: ['get'] }] } });
    const config = await this.#api.start();
    this.#ends.push(() => this.#api.stop());
    writeFileSync(join(this.folder, 'kubeconfig'), config.exportConfig());
    const backend = await receiver(200);
    const redis = await startRedis();
    this.#ends.push(backend.close, () => redis.stop());
    this.#replacements = [
      ['http://localhost:4318', backend.url],
      ['redis://localhost:6379', redis.url],
      ['<uid>', textField(events[0]?.['metadata'], 'uid')],
    ];
  }

  async close(): Promise<void> {
    for (const end of this.#ends.toReversed()) await end();
  }

  /** Runs a line; what follows the cluster is interrupted once it is ready. Resolves with the exit code. */
  run(line: string): Promise<{ readonly status: number | null; readonly out: string }> {
    const command = this.#replacements.reduce((text, [from, to]) => text.replaceAll(from, to), line);
    const follows = /knspan (watch|serve)|--ui/.test(command);
    const { HOME = '' } = process.env;
    const env = {
      HOME,
      PATH: `${this.folder}/bin:${dirname(process.execPath)}:${process.env['PATH']}`,
      KUBECONFIG: join(this.folder, 'kubeconfig'),
      XDG_STATE_HOME: this.#stateFolder(),
    };
    const child = spawn('sh', ['-c', follows ? `exec ${command}` : command], { cwd: this.folder, env, timeout: 120_000 });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      const wasReady = ready.test(err);
      err += chunk;
      if (follows && !wasReady && ready.test(err)) child.kill('SIGINT');
    });
    return new Promise((resolve) => child.on('close', (status) => resolve({ status, out: out + err })));
  }

  /** For each command: two at once may not share a history. As root, its PostgreSQL runs as another user. */
  #stateFolder(): string {
    const state = mkdtempSync(join(this.folder, 'state-'));
    for (const one of [this.folder, state]) chmodSync(one, 0o755);
    return state;
  }

  /** The recording of a rollout, of Deployment shop/web. */
  #writeInputs(): Record<string, unknown>[] {
    const from = (name: string) =>
      readFileSync(join(captures, 'deployment-rollout', name), 'utf8')
        .replaceAll('checkout', 'shop')
        .replaceAll(/\bcart\b/g, 'web');
    const itemsOf = (text: string) => listField(JSON.parse(text), 'items', 10_000).filter(isJson);
    const crashes = readFileSync(join(captures, 'crashloop', 'events.json'), 'utf8');
    const events = [...itemsOf(from('events.json')), ...itemsOf(crashes)];
    mkdirSync(join(this.folder, 'support-bundle'));
    for (const folder of [this.folder, join(this.folder, 'support-bundle')]) {
      writeFileSync(join(folder, 'events.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: events }));
      writeFileSync(join(folder, 'objects.json'), from('objects.json'));
    }
    for (const name of ['watch.jsonl', 'objects-watch.jsonl']) writeFileSync(join(this.folder, name), from(name));
    const rules = blocksOf('shared/correlation/rules/README.md').find(({ language }) => language === 'yaml');
    writeFileSync(join(this.folder, 'my-rules.yaml'), rules?.text ?? '');
    return events;
  }

  #writePrograms(): void {
    const bin = join(top, 'shared/cli/bin.js');
    const programs = {
      npx: `[ "$1" = knspan ] && shift && case "$1" in serve) exec node '${bin}' "$@" --port 0;; *) exec node '${bin}' "$@";; esac`,
      npm: `case "$1" in ci) ;; *) cd '${top}' && PATH="\${PATH#*:}" exec npm "$@";; esac`,
      kubectl: `case "$*" in *"get events"*) exec cat '${join(this.folder, 'events.json')}';; *) exit 64;; esac`,
    };
    mkdirSync(join(this.folder, 'bin'));
    for (const [name, body] of Object.entries(programs))
      writeFileSync(join(this.folder, 'bin', name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }
}

describe('commands in READMEs', { concurrency: 2 }, () => {
  const playground = new Playground();
  before(() => playground.open());
  after(() => playground.close());

  const places = Map.groupBy(
    readmes.flatMap((file) => commandsOf(file).map((line) => ({ file, command: line.replace(/ +# .*/, '') }))),
    ({ command }) => command,
  );
  for (const [command, files] of places)
    it(`${command} (${files.map(({ file }) => file).join(', ')})`, async () => {
      const { status, out } = await playground.run(command);
      assert.equal(status, command.includes('--exit-code') ? 1 : 0, out);
    });
});

describe('blocks in READMEs', () => {
  for (const file of readmes)
    it(`${file}: each names its language`, () => {
      for (const { language, text } of blocksOf(file)) assert.ok(languages.includes(language), `'${language}': ${text.slice(0, 100)}`);
    });
});

describe('links in READMEs', () => {
  for (const file of readmes)
    it(`${file}: lead to files and headings`, () => {
      for (const [, target = ''] of readFileSync(join(top, file), 'utf8').matchAll(/\]\(([^)]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path = '', heading] = target.split('#');
        const to = path === '' ? file : join(dirname(file), path);
        assert.ok(existsSync(join(top, to)), `${target}: no such file`);
        if (heading !== undefined)
          assert.match(readFileSync(join(top, to), 'utf8'), new RegExp(`^#+ ${heading.replaceAll('-', '[ -]')}$`, 'im'));
      }
    });
});

describe('shared/correlation/rules/README.md', () => {
  it('lists the keys of a rule as the reader of rules files knows them', () => {
    const rows = ruleSchema.map(({ key, type, permitted, required, help }) => {
      const values = permitted.length === 0 ? type : permitted.map((value) => `\`${value}\``).join(', ');
      return `| \`${key}\`${required ? ' (required)' : ''} | ${values} | ${help.replaceAll('<', '&lt;')} |`;
    });
    const table = readFileSync(join(top, 'shared/correlation/rules/README.md'), 'utf8').split('\n');
    assert.deepEqual(
      table.slice(table.indexOf('|---|---|---|') + 1).filter((line) => line.startsWith('|')),
      rows,
    );
  });
});
