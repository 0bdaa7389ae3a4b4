/**
 * knspan on a real cluster with Knative, installed as by a user: the traces of real workloads equal a direct replay of their Events, span for
 * span, whatever happens to the pods of the pipeline meanwhile.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { coldPath, traceThemselves } from './cold-path.ts';
import { top } from './image.ts';
import { functionNames, home, type Installation, killCorrelators, newVersions, podsOf, setSchedule, testSchedule } from './installation.ts';
import { kubectl, list, names, tryKubectl, until } from './kubectl.ts';
import { proves, rollout, settledWithinMs, sinksHaveArrived } from './proves.ts';
import { cronJob, deployment, statefulSet } from './workloads.ts';

const never = '0 0 1 1 *';
const awayMs = 120_000;

/** Read from the store itself: the reconciler sleeps between two ticks. */
const waitingLetters = (): number =>
  Number(kubectl('-n', home, 'exec', 'redis-0', '--', 'redis-cli', 'hlen', 'knspan:{dead-letters}:queue'));

const adapter = (): string => names('deployments', '-n', home, '-l', 'eventing.knative.dev/sourceName=events')[0] ?? '';
const scale = (deployment: string, replicas: number) => kubectl('-n', home, 'scale', `deployment/${deployment}`, `--replicas=${replicas}`);

/** One that can be asked to end, or to do anything else. */
const aCorrelator = () =>
  until('a correlator that is ready', 60_000, () => {
    const ready = tryKubectl(
      '-n',
      home,
      'wait',
      'pod',
      '-l',
      'serving.knative.dev/service=correlator',
      '--for=condition=Ready',
      '--timeout=1s',
    );
    return ready.includes('condition met') ? true : undefined;
  });

export function describePipeline(installation: () => Installation): void {
  describe('what is installed', () => {
    it('each service account may do what its function needs, and nothing else', () => {
      const owners = ['nodes', 'persistentvolumeclaims', 'pods', 'replicationcontrollers', 'services'];
      const apps = ['daemonsets.apps', 'deployments.apps', 'replicasets.apps', 'statefulsets.apps'];
      const others = ['horizontalpodautoscalers.autoscaling', 'cronjobs.batch', 'jobs.batch'];
      const wanted = {
        'event-source': ['events [] [get list watch]'],
        correlator: [...[...owners, ...apps, ...others].map((kind) => `${kind} [] [get]`), 'namespaces [kube-system] [get]'],
        reconciler: ['events [] [list]', 'namespaces [kube-system] [get]'],
        exporter: [],
        extension: [],
        // Of the overlay `objects`; here for as long as it is asked.
        'object-source': [...apps, ...others, 'pods'].map((kind) => `${kind} [] [get list watch]`),
      };
      const objects = join(top, 'knative/overlays/objects/rbac.yaml');
      kubectl('apply', '-f', objects);
      for (const [account, rights] of Object.entries(wanted)) {
        const told = kubectl('auth', 'can-i', '--list', '-n', 'default', `--as=system:serviceaccount:${home}:${account}`);
        const lines = told.split('\n').flatMap((line) => {
          const [, resource, , resourceNames, verbs] = /^(\S+)\s+(\[.*?\])\s+(\[.*?\])\s+(\[.*?\])\s*$/.exec(line) ?? [];
          // Every account of every cluster may ask what it may do.
          return resource === undefined || /^self/.test(resource) ? [] : [`${resource} ${resourceNames} ${verbs}`];
        });
        assert.deepEqual(lines.sort(), [...rights].sort(), account);
      }
      kubectl('delete', '-f', objects);
    });

    proves('K_SINK has arrived where events are sent, and nothing of the pipeline is in pieces', async () => {
      sinksHaveArrived('ksvc');
    });

    proves('to apply it again changes nothing', async () => {
      const kinds = 'ksvc,revision,broker,trigger,sinkbinding,apiserversource,pingsource,deployment,statefulset';
      const roles = () => list('clusterrole').filter(({ metadata }) => metadata.name.startsWith('knspan'));
      const state = () =>
        [
          ...list(kinds, '-n', home).map(({ kind, metadata }) => `${kind}/${metadata.name} ${metadata.uid} ${metadata.generation}`),
          ...roles().map(({ metadata, rules }) => `${metadata.name} ${JSON.stringify(rules)}`),
        ].sort();
      const first = state();
      kubectl('apply', '-k', installation().folder);
      assert.deepEqual(state(), first);
    });
  });

  // Side by side, since each waits for half a minute until its change has settled; what is done to the pipeline comes one after the other.
  describe('what happens to the pipeline in the middle of a rollout, and what workloads do', { concurrency: true }, () => {
    proves('a correlator that is killed: the same trace', (stage) => rollout(stage('kill'), killCorrelators));

    proves('a correlator that is asked to end decides nothing early: the same trace', (stage) =>
      rollout(stage('term'), async () => {
        await aCorrelator();
        kubectl('-n', home, 'delete', 'pod', ...podsOf('correlator'), '--wait=false');
      }),
    );

    proves('a new version of every function: the same trace', (stage) => rollout(stage('upgrade'), () => newVersions(String(process.pid))));

    proves('a Redis that starts again: the same trace', (stage) =>
      rollout(stage('redis'), () => {
        kubectl('-n', home, 'delete', 'pod/redis-0');
        kubectl('-n', home, 'rollout', 'status', 'statefulset/redis', '--timeout=60s');
      }),
    );

    proves(
      'a rollout, a StatefulSet pod that fails, a CronJob, an image that cannot be pulled and its repair: each its trace',
      async (stage, inTurn) => {
        const [web, set, cron, pull] = [stage('rollout'), stage('set'), stage('cron'), stage('pull')];
        await inTurn(async () => {
          cron.apply(cronJob(cron.namespace, 'nightly'));
          set.apply(statefulSet(set.namespace, 'index'));
          pull.apply(deployment(pull.namespace, 'shop', 1, 'localhost/knspan-e2e-nothing:1'));
          web.apply(deployment(web.namespace, 'web', 3));
          await web.rolledOut('deployment/web');
          await set.rolledOut('statefulset/index');
          set.kubectl('exec', 'index-1', '--', 'dd', 'if=/dev/zero', 'of=/scratch/x', 'bs=1M', 'count=4');
          await pull.seen('Failed');
          pull.apply(deployment(pull.namespace, 'shop', 1));
          await pull.rolledOut('deployment/shop');
          await cron.seen('Completed', 120_000);
          cron.kubectl('patch', 'cronjob/nightly', '-p', '{"spec":{"suspend":true}}');
          await set.seen('SuccessfulDelete', 120_000);
        });
        for (const one of [web, pull, cron, set]) await one.told(180_000);
      },
    );
  });

  describe('what is away for a while', { concurrency: true }, () => {
    proves('a Jaeger that is away for two minutes: nothing is lost, dead letters are sent again', (stage) => {
      const here = stage('jaeger');
      return rollout(
        here,
        async () => {
          scale('jaeger', 0);
          await here.rolledOut('deployment/web');
        },
        300_000,
        async () => {
          const began = Date.now();
          await until('a dead letter', 110_000, () => (waitingLetters() > 0 ? true : undefined));
          await until('the end of two minutes', 130_000, () => (Date.now() - began > awayMs ? true : undefined));
          scale('jaeger', 1);
        },
      );
    });

    proves('a source that is away: the reconciler finds what it has missed', (stage) => {
      const here = stage('adapter');
      return rollout(
        here,
        async () => {
          scale(adapter(), 0);
          await here.rolledOut('deployment/web');
          scale(adapter(), 1);
        },
        300_000,
      );
    });
  });

  describe('a quiet cluster', () => {
    proves('everything sleeps, and the first event wakes it and is not lost', async (stage) => {
      setSchedule(never);
      traceThemselves();
      await until('no pod of a function', 300_000, () => (functionNames.every((name) => podsOf(name).length === 0) ? true : undefined));
      const here = stage('wake');
      here.apply(deployment(here.namespace, 'web', 1));
      await here.told(settledWithinMs);
      process.stdout.write(await coldPath(here.namespace));
      setSchedule(testSchedule);
    });
  });
}
