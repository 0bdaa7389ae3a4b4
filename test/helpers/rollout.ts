/** Generates the Events of a rollout of any size as a cluster would write them; for benchmarks and size tests. */

export interface RolloutShape {
  readonly name: string;
  readonly pods: number;
  readonly uid: string;
  /** Start, in microseconds. */
  readonly at: number;
}

export function* rolloutEvents({ name, pods, uid, at }: RolloutShape): Generator<unknown> {
  let count = 0;
  const set = `${name}-6d4cf56db6`;
  const event = (
    kind: string,
    object: string,
    objectUid: string,
    reason: string,
    message: string,
    time: number,
    component: string,
    fieldPath = '',
  ) => {
    count += 1;
    const stamp = `${new Date(Math.floor(time / 1_000)).toISOString().slice(0, 19)}Z`;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${object}.${(BigInt(time) * 1_000n).toString(16)}`,
        namespace: 'shop',
        uid: `${uid}-${count}`,
        resourceVersion: String(count),
        creationTimestamp: stamp,
      },
      involvedObject: {
        apiVersion: 'v1',
        kind,
        namespace: 'shop',
        name: object,
        uid: objectUid,
        resourceVersion: '1',
        ...(fieldPath ? { fieldPath } : {}),
      },
      reason,
      message,
      source: { component },
      reportingComponent: component,
      firstTimestamp: stamp,
      lastTimestamp: stamp,
      count: 1,
      type: 'Normal',
    };
  };
  yield event('Deployment', name, uid, 'ScalingReplicaSet', `Scaled up replica set ${set} from 0 to ${pods}`, at, 'deployment-controller');
  for (let pod = 0; pod < pods; pod += 1) {
    const id = `${set}-${(36 ** 4 + pod).toString(36)}`;
    const podUid = `${uid}-p${pod}`;
    const start = at + 1_000 + pod * 2_000;
    const container = 'spec.containers{app}';
    yield event('ReplicaSet', set, `${uid}-rs`, 'SuccessfulCreate', `Created pod: ${id}`, start, 'replicaset-controller');
    yield event('Pod', id, podUid, 'Scheduled', `Successfully assigned shop/${id} to node-${pod % 50}`, start + 5_000, 'default-scheduler');
    yield event('Pod', id, podUid, 'Pulling', 'Pulling image "shop/web:1"', start + 900_000, 'kubelet', container);
    const pull = `Successfully pulled image "shop/web:1" in 300ms (300ms including waiting). Image size: 2600649 bytes.`;
    yield event('Pod', id, podUid, 'Pulled', pull, start + 1_200_000 + (pod % 97) * 1_000, 'kubelet', container);
    yield event('Pod', id, podUid, 'Created', 'Created container: app', start + 1_400_000, 'kubelet', container);
    yield event('Pod', id, podUid, 'Started', 'Started container app', start + 1_600_000 + (pod % 91) * 900, 'kubelet', container);
  }
}
