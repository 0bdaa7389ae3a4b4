/** Checks the rules for the tree: direction of imports, length of files and READMEs, what must not be in them. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('..', import.meta.url));
const linesMost = 350;

const sources = ['functions', 'shared', 'test']
  .filter((folder) => existsSync(join(top, folder)))
  .flatMap((folder) =>
    readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') || name.endsWith('.js'))
      .map((name) => join(folder, name)),
  );

function importsOf(file: string): string[] {
  const text = readFileSync(join(top, file), 'utf8');
  const found = [...text.matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)].map((match) => match[1] ?? '');
  return found.map((to) => relative(top, resolve(dirname(join(top, file)), to)));
}

/** Each folder may import only from folders before it, and from itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'shared/events': [],
  'shared/process': ['shared/events'],
  'shared/http': ['shared/events', 'shared/process'],
  'shared/kubernetes': ['shared/events', 'shared/process'],
  'shared/spans': ['shared/events', 'shared/process'],
  'shared/correlation': ['shared/events', 'shared/kubernetes', 'shared/spans'],
  'shared/runtime-spans': ['shared/events', 'shared/spans', 'shared/correlation'],
  'shared/store': ['shared/events', 'shared/process'],
  'shared/history': ['shared/events', 'shared/process', 'shared/kubernetes', 'shared/spans', 'shared/correlation'],
  'shared/dev-broker': ['shared/events', 'shared/process', 'shared/http'],
  'shared/telemetry': ['shared/process', 'shared/http', 'shared/spans'],
  'shared/build': ['shared/events', 'shared/process', 'shared/spans', 'shared/dev-broker'],
  'shared/extension': ['shared/events', 'shared/process', 'shared/http', 'shared/spans', 'shared/dev-broker'],
  'shared/cli': [
    'shared/events',
    'shared/process',
    'shared/http',
    'shared/kubernetes',
    'shared/spans',
    'shared/correlation',
    'shared/runtime-spans',
    'shared/store',
    'shared/history',
    'shared/dev-broker',
    'shared/extension',
    'shared/telemetry',
    'shared/history',
  ],
};

describe('imports', () => {
  for (const [folder, allowed] of Object.entries(mayImport)) {
    it(`${folder} imports only from ${['itself', ...allowed].join(', ')}`, () => {
      for (const file of sources.filter((name) => name.startsWith(`${folder}/`))) {
        for (const to of importsOf(file)) {
          assert.ok(
            [folder, ...allowed].some((place) => to.startsWith(`${place}/`)),
            `${file} imports ${to}`,
          );
        }
      }
    });
  }

  it('no file needs itself by way of others, be it for a type', () => {
    const places = new Map(sources.filter((name) => !name.startsWith('test/')).map((file) => [file, importsOf(file)]));
    const clear = new Set<string>();
    const visit = (file: string, way: readonly string[]) => {
      assert.ok(!way.includes(file), [...way.slice(way.indexOf(file)), file].join(' -> '));
      if (clear.has(file)) return;
      for (const to of places.get(file) ?? []) visit(to, [...way, file]);
      clear.add(file);
    };
    for (const file of places.keys()) visit(file, []);
  });

  it('the core takes of objects and spans types only, and reads no clock, no chance, no environment', () => {
    for (const file of sources.filter((name) => name.startsWith('shared/correlation/'))) {
      const text = readFileSync(join(top, file), 'utf8');
      assert.doesNotMatch(text, /Date\.now|Math\.random|\bprocess\.\w|setTimeout|randomUUID/, file);
      assert.doesNotMatch(text, /import \{(?! type)[^}]*\} from '\.\.(?:\/\.\.)?\/(kubernetes|spans)\//, file);
    }
  });
});

describe('observations', () => {
  it('are made in shared/events alone', () => {
    for (const file of sources.filter((name) => /^(functions|shared)\//.test(name) && !name.startsWith('shared/events/')))
      assert.doesNotMatch(readFileSync(join(top, file), 'utf8'), /\btoObservation\b/, file);
  });
});

describe('folders', () => {
  const foldersIn = (folder: string) =>
    readdirSync(join(top, folder), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  const mirrored = ['functions', 'knative', 'shared'].flatMap(foldersIn);

  it('of the second level have a README of at most 60 lines, unless they mirror another as tests', () => {
    const own = foldersIn('test').filter((name) => !mirrored.includes(name));
    const folders = [...['functions', 'knative', 'shared'].flatMap((at) => foldersIn(at).map((name) => join(at, name)))];
    for (const folder of [...folders, ...own.map((name) => join('test', name))]) {
      assert.ok(existsSync(join(top, folder, 'README.md')), `${folder} has no README.md`);
      const lines = readFileSync(join(top, folder, 'README.md'), 'utf8').split('\n').length - 1;
      assert.ok(lines <= 60 || folder === 'test/bench', `${folder}/README.md has ${lines} lines`);
    }
  });

  it('README.md has at most 200 lines', () => {
    assert.ok(readFileSync(join(top, 'README.md'), 'utf8').split('\n').length <= 201);
  });

  it('functions/ holds folders, main.ts and README.md; samples/ lists itself in index.ts', () => {
    const files = readdirSync(join(top, 'functions'), { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : []));
    assert.deepEqual(files.toSorted(), ['README.md', 'main.ts']);
  });
});

describe('files', () => {
  it(`have at most ${linesMost} lines and open with what they are for`, () => {
    for (const file of sources.filter((name) => name.startsWith('shared/') || name.startsWith('functions/'))) {
      const text = readFileSync(join(top, file), 'utf8');
      assert.ok(text.split('\n').length <= linesMost + 1, `${file} has ${text.split('\n').length} lines`);
      assert.match(text, /^(#!.*\n)?\/(\*\*|\/)/, file);
    }
  });

  it('of the product name no file of test/, but in comments', () => {
    for (const file of sources.filter((name) => !name.startsWith('test/')))
      for (const line of readFileSync(join(top, file), 'utf8').split('\n'))
        assert.doesNotMatch(line.replace(/\/\/ .*|\/?\*.*/, ''), /['"`/]test\//, `${file}: ${line}`);
  });

  it('leave nothing behind', () => {
    const left = new RegExp(['TO' + 'DO', 'FIX' + 'ME', '\\b(it|test|describe)\\.(on' + 'ly|sk' + 'ip)\\b'].join('|'));
    for (const file of sources) assert.doesNotMatch(readFileSync(join(top, file), 'utf8'), left, file);
  });
});
