/**
 * `node test/cluster/objects-cost.ts [pods]`: the traffic and cost of the object feed (overlay `objects`) for a Deployment of many pods. No pod
 * runs: none is scheduled, and this script writes their status as a kubelet would. Prints figures, asserts nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { top } from './image.ts';
import { home, Installation, setSchedule } from './installation.ts';
import { apply, kubectl, names, until } from './kubectl.ts';
import { type Passed, Relay } from './relay.ts';
import { mebibytes, Usage } from './usage.ts';

const pods = Number(process.argv[2] ?? '1000');
const namespace = `knspan-e2e-objects-${process.pid}`;
const everyMs = 5_000;
/** The feed has come to its end, and the kubelet has counted it. */
const quietMs = 45_000;
/** The functions' own pods are fed as well. */
const rarely = '0 0 1 1 *';
const phaseWithinMs = 600_000;
const patchesAtOnce = 8;
const watched = ['apiserversource-objects', 'mt-broker-ingress', 'imc-dispatcher', 'mt-broker-filter', 'correlator', 'redis-0'];

async function startProxy(): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn('kubectl', ['proxy', '--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const [address] = /127\.0\.0\.1:\d+/.exec(line) ?? [];
    if (address !== undefined) return { url: `http://${address}`, child };
  }
  throw new Error('Cannot reach the API server: kubectl proxy ended');
}

const container = { name: 'app', image: 'localhost/busybox:1', imageID: '', restartCount: 0 };
const steps = [
  { containerStatuses: [{ ...container, ready: false, started: false, state: { waiting: { reason: 'ContainerCreating' } } }] },
  {
    phase: 'Running',
    podIP: '10.1.2.3',
    conditions: ['Initialized', 'ContainersReady', 'Ready'].map((type) => ({ type, status: 'True' })),
    containerStatuses: [{ ...container, ready: true, started: true, state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }],
  },
];

/** As a kubelet: each pod is prepared, then ready. */
async function makeReady(proxy: string, all: readonly string[]): Promise<void> {
  const left = all.values();
  const worker = async () => {
    for (const name of left) {
      for (const status of steps) {
        const answer = await fetch(`${proxy}/api/v1/namespaces/${namespace}/pods/${name}/status`, {
          method: 'PATCH',
          headers: { 'content-type': 'application/strategic-merge-patch+json' },
          body: JSON.stringify({ status }),
        });
        if (!answer.ok) throw new Error(`Cannot make the pod ${name} ready: answered ${answer.status} ${await answer.text()}`);
        await answer.body?.cancel();
      }
    }
  };
  await Promise.all(Array.from({ length: patchesAtOnce }, worker));
}

const deployment = (replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { nodeSelector: { 'knspan.dev/nowhere': 'true' }, containers: [{ name: 'app', image: 'localhost/busybox:1' }] },
    },
  },
});

const redisBytes = (): number =>
  Number(/used_memory:(\d+)/.exec(kubectl('-n', home, 'exec', 'redis-0', '--', 'redis-cli', 'info', 'memory'))?.[1]);

function print(what: string, passed: ReadonlyMap<string, Passed>, usage: Usage, redis: readonly [number, number]): void {
  const write = (line: string) => process.stdout.write(`${line}\n`);
  const sum = [...passed.values()].reduce((all, one) => ({ events: all.events + one.events, bytes: all.bytes + one.bytes }), {
    events: 0,
    bytes: 0,
  });
  write(
    `${what}: ${sum.events} CloudEvents, ${mebibytes(sum.bytes)}; ${(sum.events / pods).toFixed(1)} and ${(sum.bytes / pods / 1024).toFixed(1)} KiB a pod`,
  );
  for (const [key, { events, bytes }] of [...passed].sort((a, b) => b[1].bytes - a[1].bytes))
    write(
      `  ${key.padEnd(28)} ${String(events).padStart(6)}  ${mebibytes(bytes).padStart(9)}  ${(bytes / events / 1024).toFixed(1)} KiB each`,
    );
  for (const name of watched) {
    const part = usage.parts.get(name);
    if (part === undefined) continue;
    const each = (part.cpuNanos / 1e3 / sum.events).toFixed(0);
    write(
      `  ${name.padEnd(28)} ${(part.cpuNanos / 1e9).toFixed(1).padStart(6)} s CPU, ${each} µs an event, at most ${mebibytes(part.memoryMost)}`,
    );
  }
  write(`  so far beside ${names('events', '-n', namespace).length} Events, which Broker, correlator and Redis had too`);
  write(`  Redis holds ${mebibytes(redis[0])} before, ${mebibytes(redis[1])} after`);
}

/** Does something, waits until nothing of it comes any more, tells what it cost. */
async function phase(what: string, relay: Relay, act: () => Promise<void>): Promise<void> {
  relay.take();
  const before = redisBytes();
  const usage = new Usage(home, 'knative-eventing');
  const end = Date.now() + phaseWithinMs;
  let acting = true;
  const done = act().finally(() => {
    acting = false;
  });
  while (Date.now() < end && (acting || Date.now() - relay.lastAt < quietMs)) {
    await sleep(everyMs);
    usage.sample();
  }
  await done;
  print(what, relay.take(), usage, [before, redisBytes()]);
}

/** `dev`, and on it what `objects` adds; its source sends to the relay. */
async function feed(installation: Installation): Promise<Relay> {
  // First: a source of all namespaces begins anew when there is another one.
  kubectl('create', 'namespace', namespace);
  await installation.install();
  setSchedule(rarely);
  const address = kubectl('-n', home, 'get', 'broker/events', '-o', 'jsonpath={.status.address.url}');
  const [service = '', of = ''] = new URL(address).hostname.split('.');
  const ip = kubectl('-n', of, 'get', `service/${service}`, '-o', 'jsonpath={.spec.clusterIP}');
  const relay = new Relay(new URL(new URL(address).pathname, `http://${ip}`), namespace);
  const uri = await relay.start();
  for (const file of ['rbac', 'triggers', 'source']) kubectl('apply', '-f', join(top, 'knative', 'overlays', 'objects', `${file}.yaml`));
  kubectl('-n', home, 'patch', 'apiserversource/objects', '--type=merge', '-p', JSON.stringify({ spec: { sink: { ref: null, uri } } }));
  for (const kind of ['trigger', 'apiserversource']) kubectl('-n', home, 'wait', kind, '--all', '--for=condition=Ready', '--timeout=120s');
  return relay;
}

const installation = new Installation('dev');
const proxy = await startProxy();
try {
  const relay = await feed(installation);
  const running = (wanted: number) => async () => {
    apply(deployment(wanted));
    const found = () => names('pods', '-n', namespace);
    await until(`${wanted} pods`, phaseWithinMs, () => (found().length === wanted ? true : undefined));
    await makeReady(proxy.url, found());
  };
  await phase(`${pods} pods made and ready`, relay, running(pods));
  await phase(`${pods} pods deleted`, relay, running(0));
  relay.stop();
} finally {
  proxy.child.kill();
  kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--wait=false');
  kubectl('delete', 'clusterrole,clusterrolebinding', 'knspan-object-source', '--ignore-not-found');
  await installation.remove();
}
