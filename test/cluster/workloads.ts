/** Workloads that roll out, fail, and run on schedule. */
import { workloadImage } from './installation.ts';

const forever = ['sleep', '1000000'];
/** A pod that takes time to start: there is a middle in which things can go wrong. */
const startSeconds = '6';

function container(name: string, command: readonly string[], image = workloadImage): object {
  return { name, image, imagePullPolicy: 'IfNotPresent', command };
}

function workload(kind: string, namespace: string, name: string, replicas: number, pod: object, more: object = {}): object {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      ...more,
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, ...pod } },
    },
  };
}

export const deployment = (namespace: string, name: string, replicas = 2, image?: string): object =>
  workload('Deployment', namespace, name, replicas, { containers: [container('app', forever, image)] });

export const slowDeployment = (namespace: string, name: string, replicas = 2): object =>
  workload('Deployment', namespace, name, replicas, {
    initContainers: [container('prepare', ['sleep', startSeconds])],
    containers: [container('app', forever)],
  });

/** Its pod fails when something writes more than 1 MiB to /scratch. */
export const statefulSet = (namespace: string, name: string): object =>
  workload(
    'StatefulSet',
    namespace,
    name,
    2,
    {
      volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '1Mi' } }],
      containers: [{ ...container('app', forever), volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] }],
    },
    { serviceName: name },
  );

export const cronJob = (namespace: string, name: string): object => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name, namespace },
  spec: {
    schedule: '* * * * *',
    jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [container('run', ['sleep', '2'])] } } } },
  },
});
