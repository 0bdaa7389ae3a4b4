/**
 * Knative's tracing, on and off, as knative/README.md describes: the ConfigMap of Eventing, a restart of its data plane, and the source, to
 * which its controller passes the setting.
 */
import { home } from './installation.ts';
import { kubectl, until } from './kubectl.ts';

const there = ['-n', 'knative-eventing'];
const dataPlane = ['deployment/imc-dispatcher', 'deployment/mt-broker-ingress', 'deployment/mt-broker-filter'];
const endpoint = `http://jaeger.${home}:4318/v1/traces`;
const on = { 'tracing-protocol': 'http/protobuf', 'tracing-endpoint': endpoint, 'tracing-sampling-rate': '1' };

function set(data: Readonly<Record<string, string | null>>): void {
  kubectl(...there, 'patch', 'configmap/config-observability', '--type=merge', '-p', JSON.stringify({ data }));
  kubectl(...there, 'rollout', 'restart', ...dataPlane);
}

/** Its data plane runs with what was set. */
export function knativeIsReady(): void {
  for (const deployment of dataPlane) kubectl(...there, 'rollout', 'status', deployment, '--timeout=120s');
}

/** What is installed, from now on. */
export async function traceKnative(): Promise<void> {
  set(on);
  knativeIsReady();
  kubectl('-n', home, 'annotate', '--overwrite', 'apiserversource/events', 'traced=yes');
  const adapter = ['-n', home, 'deployments', '-l', 'eventing.knative.dev/sourceName=events'];
  const env = () => kubectl('get', ...adapter, '-o', 'jsonpath={.items[*].spec.template.spec.containers[*].env}');
  await until('a source that knows of it', 60_000, () => (env().includes(endpoint) ? true : undefined));
  kubectl('rollout', 'status', ...adapter, '--timeout=120s');
}

/** As it is released, when it is ready again. */
export const traceKnativeNoMore = (): void => set(Object.fromEntries(Object.keys(on).map((key) => [key, null])));
