/** Makes the JSON of a Kubernetes Event (core/v1) for tests of the readers. */
export interface EventFields {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** 2025-11-20T23:06:40.123456789Z in nanoseconds, as a recorder writes it behind a name. */
export const suffix = '1879d99da0d1cd15';
export const suffixMicros = 1_763_680_000_123_456;

export function eventJson({ metadata, ...fields }: EventFields = {}): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `web-1.${suffix}`,
      namespace: 'shop',
      uid: '11111111-0000-4000-8000-000000000001',
      resourceVersion: '42',
      creationTimestamp: '2025-11-20T23:06:40Z',
      ...metadata,
    },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: 'shop',
      name: 'web-1',
      uid: '22222222-0000-4000-8000-000000000002',
      resourceVersion: '7',
      fieldPath: 'spec.containers{app}',
    },
    reason: 'Started',
    message: 'Started container app',
    source: { component: 'kubelet', host: 'node-1' },
    type: 'Normal',
    count: 1,
    firstTimestamp: '2025-11-20T23:06:40Z',
    lastTimestamp: '2025-11-20T23:06:40Z',
    eventTime: null,
    ...fields,
  };
}
