/**
 * `service.name` of spans: the reporting component as far as it is known, so that a backend's list of services stays short. The
 * components below are known; rules add those that they name a service for.
 */
import type { Rule } from './rule.ts';

/** Each also stands for its parts, such as `cert-manager-certificates-trigger`. */
const knownReporters: readonly string[] = [
  'attachdetach-controller',
  'cert-manager',
  'cluster-autoscaler',
  'cronjob-controller',
  'daemonset-controller',
  'default-scheduler',
  'deployment-controller',
  'endpoint-controller',
  'horizontal-pod-autoscaler',
  'job-controller',
  'karpenter',
  'keda-operator',
  'kubelet',
  'node-controller',
  'persistentvolume-controller',
  'replicaset-controller',
  'rollouts-controller',
  'service-controller',
  'statefulset-controller',
  'taint-eviction-controller',
  'kustomize-controller',
  'helm-controller',
  'source-controller',
  'argocd-application-controller',
];

const unknownReporter = 'other-controller';

export class ServiceNames {
  readonly #whole = new Map<string, string>();
  readonly #byPrefix = new Map<string, string>();

  /** Of several rules that name a service for one reporter the first counts, and all of them before the list above. */
  constructor(rules: readonly Rule[]) {
    for (const { reporter = [], service } of rules) if (service !== undefined) for (const one of reporter) this.#add(one, service);
    for (const reporter of knownReporters) {
      this.#add(reporter, reporter);
      this.#add(`${reporter}-*`, reporter);
    }
  }

  of(reporter: string): string {
    const whole = this.#whole.get(reporter);
    if (whole !== undefined) return whole;
    for (const [prefix, service] of this.#byPrefix) if (reporter.startsWith(prefix)) return service;
    return unknownReporter;
  }

  #add(reporter: string, service: string): void {
    const isPrefix = reporter.endsWith('*');
    const names = isPrefix ? this.#byPrefix : this.#whole;
    const name = isPrefix ? reporter.slice(0, -1) : reporter;
    if (!names.has(name)) names.set(name, service);
  }
}
