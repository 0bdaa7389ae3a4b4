/** Following a cluster: every Event exactly once per uid and count, whatever ends the watches; a forbidden kind is skipped. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InputError } from '../../../shared/cli/input/input-error.ts';
import { type Follower, follow, followNotifications } from '../../../shared/cli/live/cluster-source.ts';
import { field } from '../../../shared/events/json.ts';
import { FakeApiServer } from '../../helpers/fake-api-server.ts';
import { until } from '../../helpers/until.ts';

const events = '/api/v1/events';
const pods = '/api/v1/pods';
const now = Date.now();
const stamp = new Date(now).toISOString();
const event = (message: string, count = 1, at = stamp) => ({
  message,
  count,
  involvedObject: { kind: 'Pod', name: 'web' },
  firstTimestamp: at,
  lastTimestamp: at,
});

interface Stage {
  readonly server: FakeApiServer;
  readonly seen: string[];
  readonly problems: string[];
  readonly follower: Follower;
  /** Until the watch of Events is open. */
  watched(): Promise<void>;
}

async function staged(prepare: (server: FakeApiServer) => void, act: (stage: Stage) => Promise<void>, since = 0): Promise<void> {
  const server = new FakeApiServer();
  const seen: string[] = [];
  const problems: string[] = [];
  prepare(server);
  const config = await server.start();
  const onEvent = ({ uid, n }: { uid: string; n: number }) => seen.push(`${uid}#${n}`);
  const follower = await follow({ config, since, onEvent, onProblem: (sentence) => problems.push(sentence) });
  const watched = () => until('Events are watched', () => server.watchesOf(events) > 0);
  try {
    await watched();
    await act({ server, seen, problems, follower, watched });
  } finally {
    follower.stop();
    await server.stop();
  }
}

describe('Events', () => {
  const five = (server: FakeApiServer) => {
    for (let index = 0; index < 5; index += 1) server.put(events, `e${index}`, event('x'));
  };
  const listed = ['e0#1', 'e1#1', 'e2#1', 'e3#1', 'e4#1'];

  test('all pages of the list, then the watch from there on', async () => {
    await staged(five, async ({ server, seen, problems }) => {
      assert.deepEqual(seen, listed);
      assert.equal(server.requests.filter((url) => url.startsWith(events) && url.includes('continue=')).length, 2);
      assert.ok(server.requests.some((url) => url.startsWith(events) && url.includes('watch=true') && url.includes('resourceVersion=105')));
      server.put(events, 'e5', event('x'));
      server.put(events, 'e0', event('x', 2));
      await until('both came', () => seen.length >= 7);
      assert.deepEqual(seen.slice(5), ['e5#1', 'e0#2']);
      assert.deepEqual(problems, []);
    });
  });

  test('pages that expire: the list is begun anew, nothing comes twice', async () => {
    const prepare = (server: FakeApiServer) => {
      server.expirePages = 1;
      five(server);
    };
    await staged(prepare, async ({ seen }) => assert.deepEqual(seen, listed));
  });

  for (const way of ['endWatches', 'breakWatches'] as const)
    test(`the watch ends (${way}): it goes on from where it was`, async () => {
      await staged(five, async ({ server, seen, watched }) => {
        server.put(events, 'e5', event('x'));
        await until('e5 came', () => seen.includes('e5#1'));
        server[way](events);
        await until('the watch is closed', () => server.watchesOf(events) === 0);
        server.put(events, 'e6', event('x'));
        server.put(events, 'e1', event('x', 3));
        await watched();
        server.put(events, 'e7', event('x'));
        await until('all came', () => seen.includes('e7#1'));
        assert.deepEqual(seen, [...listed, 'e5#1', 'e6#1', 'e1#3', 'e7#1']);
        assert.equal(server.requests.filter((url) => url.startsWith(`${events}?limit`) && !url.includes('continue')).length, 1);
      });
    });

  for (const plainGone of [false, true])
    test(`410 ${plainGone ? 'as the status' : 'as a notification'}: listed again, with what happened meanwhile`, async () => {
      const old = new Date(now - 3_600_000).toISOString();
      const prepare = (server: FakeApiServer) => {
        server.plainGone = plainGone;
        five(server);
        server.put(events, 'old', event('x', 1, old));
      };
      const act = async ({ server, seen, watched }: Stage) => {
        assert.deepEqual(seen, listed);
        server.endWatches(events);
        await until('the watch is closed', () => server.watchesOf(events) === 0);
        server.put(events, 'e5', event('x'), true);
        server.put(events, 'e2', event('x', 4), true);
        server.remove(events, 'e3');
        server.oldest = server.version;
        await watched();
        server.put(events, 'e6', event('x'));
        await until('e6 came', () => seen.includes('e6#1'));
        assert.deepEqual([...seen].sort(), [...listed, 'e2#4', 'e5#1', 'e6#1'].sort());
      };
      await staged(prepare, act, (now - 60_000) * 1_000);
    });

  test('the same notification again, a lower count, a bookmark, a deletion: nothing new', async () => {
    await staged(five, async ({ server, seen }) => {
      const again = server.things.get(events)?.get('e0');
      server.notify(events, 'MODIFIED', again);
      server.put(events, 'e1', event('x', 5));
      server.put(events, 'e1', event('x', 4));
      server.notify(events, 'BOOKMARK', { kind: 'Event', metadata: { resourceVersion: '900' } });
      server.remove(events, 'e2');
      server.put(events, 'last', event('x'));
      await until('the last came', () => seen.includes('last#1'));
      assert.deepEqual(seen, [...listed, 'e1#5', 'last#1']);
    });
  });

  test('without the right to list Events: an InputError', async () => {
    const server = new FakeApiServer();
    server.forbidden.add(events);
    const config = await server.start();
    const problems: string[] = [];
    const options = { config, since: 0, onEvent: () => {}, onProblem: (sentence: string) => problems.push(sentence) };
    await assert.rejects(follow(options), InputError);
    assert.deepEqual(problems, ['Cannot list /api/v1/events: the API server answered 403, retrying']);
    await server.stop();
  });
});

describe('a first list that fails', () => {
  test('follow: is repeated, and nothing is taken as known until it has succeeded', async () => {
    const server = new FakeApiServer();
    server.given.set(events, { status: 503 });
    server.put(events, 'e', event('x'));
    server.put(events, 'old', event('x', 1, new Date(now - 3_600_000).toISOString()));
    const config = await server.start();
    const seen: string[] = [];
    const problems: string[] = [];
    const onEvent = ({ uid }: { uid: string }) => seen.push(uid);
    const before = Date.now() * 1_000;
    const follower = await follow({
      config,
      since: (now - 60_000) * 1_000,
      onEvent,
      onProblem: (sentence) => problems.push(sentence),
    });
    const known = follower.knownUntil();
    assert.ok(known >= before);
    await until('it was listed again', () => server.requests.filter((url) => url.startsWith(`${events}?limit`)).length > 1);
    assert.equal(follower.knownUntil(), known);
    server.given.delete(events);
    await until('the Event came', () => seen.length > 0);
    assert.deepEqual(seen, ['e']);
    assert.deepEqual(problems, ['Cannot list /api/v1/events: the API server answered 503, retrying']);
    follower.stop();
    await server.stop();
  });

  test('followNotifications: is repeated, for Events and for objects', async () => {
    const server = new FakeApiServer();
    for (const path of [events, pods]) server.given.set(path, { status: 503 });
    server.put(events, 'e', event('x'));
    server.put(pods, 'p', { kind: 'Pod' });
    const config = await server.start();
    const seen: unknown[] = [];
    const onNotification = ({ object }: { object: unknown }) => seen.push(field(field(object, 'metadata'), 'uid'));
    const follower = await followNotifications({ config, since: 0, namespace: undefined, onNotification, onProblem: () => {} });
    assert.deepEqual(seen, []);
    for (const path of [events, pods]) server.given.delete(path);
    await until('both came', () => seen.length > 1);
    assert.deepEqual(seen.sort(), ['e', 'p']);
    follower.stop();
    await server.stop();
  });
});

describe('a namespace', () => {
  test('is all that is asked for, save for nodes; a pattern asks for all', async () => {
    for (const namespace of ['shop', 'sh*']) {
      const server = new FakeApiServer();
      const config = await server.start();
      const scope = namespace === 'shop' ? '/namespaces/shop' : '';
      server.put(`/api/v1${scope}/events`, 'e', event('x'));
      const seen: string[] = [];
      const follower = await follow({ config, since: 0, namespace, onEvent: ({ uid }) => seen.push(uid), onProblem: () => {} });
      await until('all are watched', () => server.watching === 10);
      assert.deepEqual(seen, ['e']);
      const asked = new Set(server.requests.map((url) => url.split('?')[0]));
      assert.ok(asked.has(`/apis/apps/v1${scope}/replicasets`) && asked.has('/api/v1/nodes'));
      assert.ok(asked.has('/api/v1/namespaces/kube-system'));
      assert.equal(asked.size, 11);
      follower.stop();
      await server.stop();
    }
  });
});

test('the cluster is the uid of its namespace kube-system; where that may not be read, nothing', async () => {
  for (const [given, cluster] of [
    [{ body: { kind: 'Namespace', metadata: { name: 'kube-system', uid: 'c1' } } }, 'c1'],
    [{ status: 403, body: {} }, ''],
  ] as const) {
    const server = new FakeApiServer();
    server.given.set('/api/v1/namespaces/kube-system', given);
    const config = await server.start();
    const follower = await follow({ config, since: 0, onEvent: () => {}, onProblem: () => {} });
    follower.stop();
    await server.stop();
    assert.equal(follower.cluster, cluster);
  }
});

describe('knownUntil', () => {
  test('stands still while the watch of Events is lost, and goes on when it has caught up', async () => {
    await staged(
      () => {},
      async ({ server, follower, problems }) => {
        assert.ok(follower.knownUntil() >= now * 1_000);
        server.forbidden.add(events);
        server.breakWatches(events);
        await until('the watch is refused', () => problems.length > 0);
        const known = follower.knownUntil();
        await new Promise((resolve) => setTimeout(resolve, 50));
        assert.equal(follower.knownUntil(), known);
        assert.match(problems[0] ?? '', /^Cannot watch \/api\/v1\/events: .*, retrying$/);
        server.forbidden.delete(events);
        await until('it goes on', () => follower.knownUntil() > known + 1_000_000);
        assert.equal(problems.length, 1);
      },
    );
  });
});

describe('objects', () => {
  test('a kind that is refused is left out, said once, and read as soon as it may be', async () => {
    const prepare = (server: FakeApiServer) => server.forbidden.add('/api/v1/nodes');
    await staged(prepare, async ({ server, problems, seen, follower }) => {
      server.put(pods, 'p1', { kind: 'Pod' });
      server.put(events, 'e', event('x'));
      await until('both came', () => seen.length === 1 && follower.objects.latest('p1') !== null);
      server.put('/api/v1/nodes', 'n1', { kind: 'Node' });
      server.forbidden.delete('/api/v1/nodes');
      await until('the node is known', () => follower.objects.latest('n1') !== null);
      assert.deepEqual(problems, ['Cannot list /api/v1/nodes: the API server answered 403, retrying']);
    });
  });

  test('listed, changed, deleted; a list that is read again is newer than what was known', async () => {
    const prepare = (server: FakeApiServer) => {
      for (const uid of ['p1', 'p2', 'p3']) server.put(pods, uid, { kind: 'Pod', spec: { nodeName: 'a' } });
    };
    await staged(prepare, async ({ server, follower: { objects } }) => {
      await until('pods are watched', () => server.watchesOf(pods) > 0);
      assert.deepEqual(
        ['p1', 'p2', 'p3'].map((uid) => objects.versions(uid).map(({ seenAt }) => seenAt)),
        [[null], [null], [null]],
      );
      server.put(pods, 'p1', { kind: 'Pod', spec: { nodeName: 'b' } });
      server.remove(pods, 'p2');
      await until('p2 is gone', () => objects.goneAt('p2') !== null);
      assert.equal(objects.latest('p1')?.nodeName, 'b');
      server.endWatches(pods);
      await until('the watch is closed', () => server.watchesOf(pods) === 0);
      server.put(pods, 'p1', { kind: 'Pod', spec: { nodeName: 'c' } }, true);
      server.oldest = server.version;
      await until('p1 is at c', () => objects.latest('p1')?.nodeName === 'c');
      assert.equal(objects.versions('p3').length, 1);
    });
  });
});

describe('deletions while a watch was closed, up to 410', () => {
  const prepare = (server: FakeApiServer) => {
    const owners = [{ kind: 'ReplicaSet', name: 'web-1', uid: 'rs', controller: true }];
    for (const uid of ['p1', 'p2', 'p3'])
      server.put(pods, uid, { kind: 'Pod', metadata: { name: `web-${uid}`, ownerReferences: owners }, spec: { nodeName: 'a' } });
  };
  const gap = async (server: FakeApiServer) => {
    server.endWatches(pods);
    await until('the watch is closed', () => server.watchesOf(pods) === 0);
    server.remove(pods, 'p1');
    server.remove(pods, 'p2');
    // Its successor bears its name.
    server.put(pods, 'p4', { kind: 'Pod', metadata: { name: 'web-p2' } }, true);
    server.oldest = server.version;
  };

  test('follow: are known, with what was known of the object', async () => {
    await staged(prepare, async ({ server, follower: { objects } }) => {
      await until('pods are watched', () => server.watchesOf(pods) > 0);
      await gap(server);
      await until('the successor is known', () => objects.latest('p4') !== null);
      assert.ok(objects.goneAt('p1') !== null && objects.goneAt('p2') !== null);
      assert.equal(objects.goneAt('p3'), null);
      assert.equal(objects.latest('p1')?.owner?.name, 'web-1');
      assert.equal(objects.latest('p1')?.nodeName, 'a');
    });
  });

  test('followNotifications: are sent, each once; what the list repeats is not', async () => {
    const server = new FakeApiServer();
    prepare(server);
    const config = await server.start();
    const seen: string[] = [];
    const onNotification = ({ change, object }: { change: string; object: unknown }) =>
      seen.push(`${change} ${field(field(object, 'metadata'), 'uid')}`);
    const follower = await followNotifications({ config, since: 0, namespace: undefined, onNotification, onProblem: () => {} });
    await until('pods are watched', () => server.watchesOf(pods) > 0);
    await gap(server);
    await until('the successor came', () => seen.includes('add p4'));
    await until('the deletions came', () => seen.length >= 6);
    assert.deepEqual(seen, ['add p1', 'add p2', 'add p3', 'add p4', 'delete p1', 'delete p2']);
    follower.stop();
    await server.stop();
  });
});

test('stop() closes every watch, and no other is opened', async () => {
  await staged(
    () => {},
    async ({ server, follower, seen }) => {
      await until('all are watched', () => server.watching === 10);
      server.endWatches(events);
      follower.stop();
      await until('all are closed', () => server.watching === 0);
      const asked = server.requests.length;
      server.put(events, 'late', event('x'));
      await new Promise((resolve) => setTimeout(resolve, 700));
      assert.equal(server.requests.length, asked);
      assert.deepEqual(seen, []);
    },
  );
});
