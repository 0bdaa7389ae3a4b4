/** Folders with a kustomization: which files count, what patches, labels and images change, and which parts of kustomize are refused. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { stringify } from 'yaml';
import { readObjects } from '../../shared/dev-broker/kustomize.ts';
import type { ManifestFault } from '../../shared/dev-broker/manifest-reader.ts';

type Files = Readonly<Record<string, unknown>>;

/** The objects of the folders under a temporary one, and the faults as sentences without its path. */
async function read(files: Files, ...folders: string[]): Promise<{ objects: unknown[]; faults: string[] }> {
  const top = await mkdtemp(join(tmpdir(), 'knspan-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(top, name)), { recursive: true });
      await writeFile(join(top, name), typeof content === 'string' ? content : stringify(content));
    }
    const faults: ManifestFault[] = [];
    const objects = await readObjects(
      folders.map((folder) => join(top, folder)),
      faults,
    );
    return {
      objects: objects.map(({ value }) => value),
      faults: faults.map(({ place, message }) => `${place.replace(/^.*?knspan-[^/]*\//, '')}: ${message}`),
    };
  } finally {
    await rm(top, { recursive: true });
  }
}

const trigger = (spec: unknown, name = 't') => ({ apiVersion: 'eventing.knative.dev/v1', kind: 'Trigger', metadata: { name }, spec });
const configMap = (data: unknown, name = 'c') => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
const base: Files = {
  'base/kustomization.yaml': { resources: ['t.yaml', 'c.yaml'] },
  'base/t.yaml': trigger({ broker: 'b', filters: [1, 2], delivery: { retry: 3, timeout: 'PT1S' } }),
  'base/c.yaml': configMap({ a: '1', b: '2' }),
};
const overlay = (kustomization: object, more: Files = {}): Files => ({
  ...base,
  'over/kustomization.yaml': { resources: ['../base'], ...kustomization },
  ...more,
});

describe('resources', () => {
  it('are the listed files and folders in their order, not others', async () => {
    const { objects, faults } = await read(
      overlay({ resources: ['x.yaml', '../base'] }, { 'over/x.yaml': trigger({}, 'x'), 'over/y.yaml': trigger({}, 'y') }),
      'over',
    );
    assert.deepEqual(faults, []);
    assert.deepEqual(objects, [trigger({}, 'x'), base['base/t.yaml'], base['base/c.yaml']]);
  });

  it('of a folder without kustomization.yaml are all its YAML files but packages, hidden folders and func.yaml', async () => {
    const stray = 'github: someone\n';
    const files = {
      'f/node_modules/one/a.yml': stray,
      'f/.git/x.yaml': stray,
      'f/func.yaml': stray,
      'f/deploy/t.yaml': trigger({}),
      'f/a.txt': '[',
    };
    assert.deepEqual(await read(files, 'f'), { objects: [trigger({})], faults: [] });
  });

  it('that several folders share are read once, so overlays stack', async () => {
    const files = {
      ...overlay({ patches: [{ patch: stringify(configMap({ a: 'over' })) }] }),
      'more/kustomization.yaml': { resources: ['../base'], patches: [{ patch: stringify(configMap({ b: 'more' })) }] },
    };
    const { objects, faults } = await read(files, 'over', 'more');
    assert.deepEqual(faults, []);
    assert.deepEqual(objects.slice(1), [configMap({ a: 'over', b: 'more' })]);
  });

  it('that are remote are not fetched', async () => {
    const remote = ['https://example.com/knspan.yaml', 'github.com/someone/something//base?ref=v1'];
    assert.deepEqual(await read({ 'f/kustomization.yaml': { resources: remote } }, 'f'), { objects: [], faults: [] });
  });
});

describe('patches', () => {
  const patched = async (patches: unknown[], more: Files = {}) => {
    const { objects, faults } = await read(overlay({ patches }, more), 'over');
    assert.deepEqual(faults, []);
    return objects;
  };

  it('merge maps, replace lists and texts, remove what is null', async () => {
    const patch = trigger({ filters: [3], delivery: { retry: 1, timeout: null } });
    const [found] = await patched([{ path: 'p.yaml' }], { 'over/p.yaml': patch });
    assert.deepEqual(found, trigger({ broker: 'b', filters: [3], delivery: { retry: 1 } }));
  });

  it('remove a whole object', async () => {
    const patch = stringify({ $patch: 'delete', ...trigger({}) });
    assert.deepEqual(await patched([{ patch }]), [base['base/c.yaml']]);
  });

  it('with a target change every object whose kind and name match as a whole, whatever the patch calls itself', async () => {
    const patch = stringify({ apiVersion: 'any/v1', kind: 'Any', metadata: { name: 'any', labels: { l: '1' } }, data: { b: null } });
    const [first, second] = await patched([
      { target: { kind: 'Config|ConfigMap', name: 'c' }, patch },
      { target: { kind: 'Trig' }, patch },
    ]);
    assert.deepEqual(first, base['base/t.yaml']);
    assert.deepEqual(second, configMap({ a: '1' }));
  });

  it('may be JSON 6902 operations', async () => {
    const operations = [
      { op: 'replace', path: '/spec/delivery/retry', value: 9 },
      { op: 'add', path: '/metadata/annotations', value: { 'a/b': 'x' } },
      { op: 'remove', path: '/spec/filters/0' },
    ];
    const [found] = await patched([{ target: { kind: 'Trigger' }, patch: stringify(operations) }]);
    const spec = { broker: 'b', filters: [2], delivery: { retry: 9, timeout: 'PT1S' } };
    assert.deepEqual(found, { ...trigger(spec), metadata: { name: 't', annotations: { 'a/b': 'x' } } });
  });
});

describe('transformations', () => {
  it('labels: pairs on the metadata of everything', async () => {
    const { objects } = await read(overlay({ labels: [{ pairs: { app: 'x' } }] }), 'over');
    assert.deepEqual(
      objects.map((object) => JSON.stringify(object).includes('"labels":{"app":"x"}')),
      [true, true],
    );
  });

  it('images: by name, in containers only', async () => {
    const pod = (image: string) => ({ ...trigger({}, 'p'), spec: { image: 'dev.local/x:1', template: { containers: [{ image }] } } });
    const changed = async (image: string, change: object) => {
      const files = {
        'f/kustomization.yaml': { resources: ['p.yaml'], images: [{ name: 'dev.local/x', ...change }] },
        'f/p.yaml': pod(image),
      };
      const { objects, faults } = await read(files, 'f');
      assert.deepEqual(faults, []);
      return objects[0];
    };
    const newName = 'registry.example:5000/x';
    assert.deepEqual(await changed('dev.local/x:1', { newName, newTag: '2' }), pod('registry.example:5000/x:2'));
    assert.deepEqual(await changed('dev.local/x:1', { newName }), pod('registry.example:5000/x:1'));
    assert.deepEqual(await changed('dev.local/x:1@sha256:0', { digest: 'sha256:1' }), pod('dev.local/x@sha256:1'));
    assert.deepEqual(await changed('dev.local/xy:1', { newName }), pod('dev.local/xy:1'));
  });
});

describe('refused with its place', () => {
  const patches = (...some: unknown[]) => overlay({ patches: some });
  const inline = (patch: unknown, target?: unknown) => ({ patch: stringify(patch), ...(target === undefined ? {} : { target }) });
  const cases: Readonly<Record<string, Files>> = {
    "over/kustomization.yaml, resources[1]: wanted a file or folder relative to this one, found 'gone'": overlay({
      resources: ['../base', 'gone'],
    }),
    "over/kustomization.yaml, patches[0].path: wanted a file relative to this one, found 'p.yaml'": patches({ path: 'p.yaml' }),
    "found the unknown field 'patchesJson6902'": overlay({ patchesJson6902: [] }),
    "found the unknown field 'labelSelector'": patches(inline([], { labelSelector: 'a=b' })),
    'kustomization.yaml, patches[0]: wanted an object of this kind and name to patch, found none': patches(inline(trigger({}, 'other'))),
    'wanted a patch without directives': patches(inline(trigger({ $patch: 'replace' }))),
    "wanted a 'target' beside a JSON 6902 patch": patches(inline([])),
    'wanted operations that apply to eventing.knative.dev/v1 Trigger default t, found remove /spec/x': patches(
      inline([{ op: 'remove', path: '/spec/x' }], { kind: 'Trigger' }),
    ),
    'which kubectl merges by key in built-in kinds': patches(inline(configMap({ a: ['x'] }))),
    "patches[0].target.name: wanted a regular expression, found '('": patches(inline({}, { name: '(' })),
    "over/kustomization.yaml: wanted a map, found 'text'": { 'over/kustomization.yaml': 'text' },
    'over/kustomization.yaml: wanted YAML, found: ': { 'over/kustomization.yaml': 'a: [' },
  };
  for (const [reason, files] of Object.entries(cases))
    it(reason, async () => {
      const { faults } = await read(files, 'over');
      assert.ok(
        faults.some((fault) => fault.includes(reason)),
        faults.join('\n'),
      );
    });
});
