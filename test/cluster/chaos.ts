/**
 * Kills, restarts and replaces every part of the pipeline for minutes while Events flow, then compares the Events in the API with those in
 * Jaeger: `node test/cluster/chaos.ts [minutes] [another image:tag]`. Needs a cluster with Knative (KUBECONFIG) without knspan. Late Events may
 * be beside their change; none may be lost or duplicated.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { functionNames, home, Installation, killCorrelators, newVersions, podsOf } from './installation.ts';
import { kubectl, tryKubectl, until } from './kubectl.ts';
import { makeRuns } from './runs.ts';
import { Stage } from './stage.ts';
import { about, eventsIn, inJaeger } from './traces.ts';
import { deployment } from './workloads.ts';

const minutes = Number(process.argv[2] ?? 10);
const image = process.argv[3];
const runsEveryMs = 3_000;
const runsAtOnce = 3;
const troubleEveryMs = 20_000;
const toldWithinMs = 300_000;

const say = (line: string) => process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
const remove = (...what: string[]) => tryKubectl('delete', 'pod', '--wait=false', ...what);
const killed = (name: string) => podsOf(name).map((pod) => remove('-n', home, pod, '--grace-period=0', '--force'));

let upgrades = 0;

/** Of the dispatcher is known: what it had acknowledged and not delivered is lost with it, and the reconciler brings it again. */
const troubles: Readonly<Record<string, () => unknown>> = {
  'correlators killed': killCorrelators,
  'Redis deleted': () => remove('-n', home, 'redis-0'),
  'exporters killed': () => killed('exporter'),
  'source deleted': () => remove('-n', home, '-l', 'eventing.knative.dev/sourceName=events'),
  'a new version of every function': () => {
    upgrades += 1;
    newVersions(`chaos-${upgrades}`);
    if (image === undefined) return;
    const patch = JSON.stringify([{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: image }]);
    for (const name of functionNames) kubectl('-n', home, 'patch', `ksvc/${name}`, '--type=json', '-p', patch);
  },
  'Redis and correlators killed': () => {
    killCorrelators();
    remove('-n', home, 'redis-0', '--grace-period=0', '--force');
  },
  'filter deleted': () => remove('-n', 'knative-eventing', '-l', 'eventing.knative.dev/brokerRole=filter'),
  'reconciler killed': () => killed('reconciler'),
  'dispatcher deleted': () => remove('-n', 'knative-eventing', '-l', 'messaging.knative.dev/role=dispatcher'),
  'correlators asked to end': () => podsOf('correlator').map((pod) => remove('-n', home, pod)),
};

const installation = new Installation('dev');
await installation.install();
const here = new Stage(`chaos-${process.pid}`);
try {
  const end = Date.now() + minutes * 60_000;
  let next = Date.now() + troubleEveryMs;
  let round = 0;
  for (let batch = 0; Date.now() < end; batch += 1) {
    await makeRuns(here.namespace, `run-${batch}`, runsAtOnce);
    if (Date.now() >= next) {
      next += troubleEveryMs;
      here.apply(deployment(here.namespace, `web-${round}`, 1));
      const [what = '', make] = Object.entries(troubles)[round % Object.keys(troubles).length] ?? [];
      make?.();
      round += 1;
      say(`${what}; ${here.uids().size} Events`);
    }
    await sleep(runsEveryMs);
  }
  const told = () => eventsIn(about(inJaeger(), here.uids()));
  await until('every Event in Jaeger', toldWithinMs, () => {
    const uids = new Set(told().map((event) => event.split('#')[0]));
    return [...here.uids()].every((uid) => uids.has(uid)) || undefined;
  }).catch((error: Error) => say(error.message));
  const [listed, events] = [here.uids(), told()];
  const uids = new Set(events.map((event) => event.split('#')[0]));
  const lost = [...listed].filter((uid) => !uids.has(uid)).length;
  const twice = events.length - new Set(events).size;
  say(`${round} troubles: ${listed.size} Events in the API, ${uids.size} in Jaeger; ${lost} lost, ${twice} told twice`);
  process.exitCode = lost + twice === 0 ? 0 : 1;
} finally {
  here.close();
  await installation.remove();
}
