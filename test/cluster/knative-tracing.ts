/** Knative's own tracing, on and off: the ConfigMap of Eventing, then its data plane anew, which reads it when it starts. */
import { home } from './installation.ts';
import { kubectl } from './kubectl.ts';

const there = ['-n', 'knative-eventing'];
const dataPlane = ['deployment/imc-dispatcher', 'deployment/mt-broker-ingress', 'deployment/mt-broker-filter'];
const on = {
  'tracing-protocol': 'http/protobuf',
  'tracing-endpoint': `http://jaeger.${home}:4318/v1/traces`,
  'tracing-sampling-rate': '1',
};

function set(data: Readonly<Record<string, string | null>>): void {
  kubectl(...there, 'patch', 'configmap/config-observability', '--type=merge', '-p', JSON.stringify({ data }));
  kubectl(...there, 'rollout', 'restart', ...dataPlane);
  for (const deployment of dataPlane) kubectl(...there, 'rollout', 'status', deployment, '--timeout=120s');
}

export const traceKnative = (): void => set(on);

/** As it is released. */
export const traceKnativeNoMore = (): void => set(Object.fromEntries(Object.keys(on).map((key) => [key, null])));
