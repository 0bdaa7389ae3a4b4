/** The index answers by uid, by name and as of a time, whatever the order of the versions. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ObjectVersion } from '../../shared/kubernetes/object.ts';
import { emptyObjects, ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { parseObject } from '../../shared/kubernetes/parse-object.ts';

interface Wanted {
  readonly kind?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly version?: string;
  readonly seenAt?: number | null;
  readonly gone?: boolean;
  readonly target?: string;
}

function version({ kind = 'Pod', name = 'web', uid = 'u1', version = '1', seenAt = null, gone = false, target }: Wanted): ObjectVersion {
  const spec = target === undefined ? {} : { scaleTargetRef: { kind: 'Deployment', name: target } };
  const object = parseObject({ kind, metadata: { name, namespace: 'shop', uid, resourceVersion: version }, spec });
  if (!object.ok) assert.fail(object.reason);
  return { object: object.value, seenAt, gone };
}

function indexOf(...wanted: readonly Wanted[]): ObjectIndex {
  const index = new ObjectIndex();
  for (const one of wanted) index.add(version(one));
  return index;
}

describe('versions of an object', () => {
  const shuffled = indexOf({ version: '3', seenAt: 300, gone: true }, { version: '1', seenAt: 100 }, { version: '2', seenAt: 200 });

  test('lie in the order of their time', () => {
    assert.deepEqual(
      shuffled.versions('u1').map(({ object }) => object.resourceVersion),
      ['1', '2', '3'],
    );
    assert.equal(shuffled.latest('u1')?.resourceVersion, '3');
    assert.equal(shuffled.size, 1);
  });

  test('at a time: the last one seen by then, else the first', () => {
    for (const [time, found] of [
      [0, '1'],
      [100, '1'],
      [199, '1'],
      [200, '2'],
      [1e15, '3'],
    ] as const)
      assert.equal(shuffled.at('u1', time)?.resourceVersion, found, `at ${time}`);
  });

  test('by resourceVersion, and when it went', () => {
    assert.equal(shuffled.ofVersion('u1', '2')?.resourceVersion, '2');
    assert.equal(shuffled.ofVersion('u1', '9'), null);
    assert.equal(shuffled.goneAt('u1'), 300);
    assert.equal(indexOf({}).goneAt('u1'), null);
  });

  test('a plain list counts from the beginning on', () => {
    const index = indexOf({ version: '5', seenAt: 500 }, { version: '1' });
    assert.equal(index.at('u1', 499)?.resourceVersion, '1');
    assert.equal(index.latest('u1')?.resourceVersion, '5');
  });
});

describe('by name', () => {
  test('one name, several objects, each in its latest version', () => {
    const index = indexOf({ uid: 'u1' }, { uid: 'u2', seenAt: 10 }, { uid: 'u2', seenAt: 20, version: '2' }, { kind: 'Job', uid: 'u3' });
    assert.deepEqual(
      index.byName('Pod', 'shop', 'web').map(({ uid, resourceVersion }) => `${uid}/${resourceVersion}`),
      ['u1/1', 'u2/2'],
    );
    assert.deepEqual(index.byName('Pod', 'other', 'web'), []);
  });

  test('objects without uid are told apart by name', () => {
    const index = indexOf({ uid: '', name: 'a' }, { uid: '', name: 'b' });
    assert.equal(index.size, 2);
    assert.equal(index.byName('Pod', 'shop', 'b')[0]?.name, 'b');
  });

  test('by the target that they scale', () => {
    const index = indexOf({ kind: 'HorizontalPodAutoscaler', uid: 'h', name: 'h', target: 'web' }, { uid: 'p' });
    assert.deepEqual(
      index.referencing('Deployment', 'shop', 'web').map(({ uid }) => uid),
      ['h'],
    );
    assert.deepEqual(index.referencing('Deployment', 'shop', 'api'), []);
  });

  test('names out of Object.prototype are names', () => {
    assert.deepEqual(indexOf({}).byName('constructor', '__proto__', 'toString'), []);
    assert.equal(indexOf({ uid: '__proto__' }).latest('__proto__')?.name, 'web');
  });
});

test('the empty one knows nothing', () => {
  assert.deepEqual([emptyObjects.versions('x'), emptyObjects.latest('x'), emptyObjects.at('x', 1)], [[], null, null]);
  assert.deepEqual([emptyObjects.byName('a', 'b', 'c'), emptyObjects.goneAt('x')], [[], null]);
});
