/**
 * Where runtime spans belong, as data: which kind of unit hangs under which Event of a trace, and how close the two lie. The first row
 * whose Event a trace has is the one that counts. Times were measured on recordings of Kubernetes 1.34 with containerd 2.2: requests end
 * 0.3 to 76 ms before the Event that tells of them, the steps of a pod begin and end within 5 ms of theirs.
 */
import type { Micros } from '../events/observation.ts';
import type { Unit } from './units.ts';

export interface Placement {
  /** `knspan.rule` of the copy. */
  readonly rule: string;
  readonly kind: Unit['kind'];
  /** Of a request; absent: any. */
  readonly verbs?: readonly string[];
  readonly resources?: readonly string[];
  readonly subresources?: readonly string[];
  /** Of a call. */
  readonly methods?: readonly string[];
  /** Absent: whether it failed or not. */
  readonly failed?: boolean;
  /**
   * The Event: `event` is the occurrence that the request writes, `repeat` any other of its Event, `action` tells what was done to the unit's object, `object` is about it,
   * `root` about it where it is what the trace is about, and `container` about the same container of its pod.
   */
  readonly under: 'event' | 'repeat' | 'action' | 'object' | 'root' | 'container';
  /** Of an action; absent: any. */
  readonly actions?: readonly string[];
  readonly reasons?: readonly string[];
  /** Which end of the unit lies at the Event, and how far before and after it the Event may be. */
  readonly at: 'start' | 'end';
  readonly before: Micros;
  readonly after: Micros;
  /** `knspan.phase` of the copy. */
  readonly phase?: string;
}

const ms = 1_000;
const second = 1_000 * ms;
const minute = 60 * second;

/** Verbs of rules that end an object. */
export const endings: readonly string[] = ['delete', 'evict'];

/** Kinds of change that a write to the root begins; a run is begun by the clock, an incident by what fails. */
export const editedChanges: readonly string[] = ['create', 'rollout', 'scale', 'rollback', 'cordon', 'drain'];

export const placements: readonly Placement[] = [
  { rule: 'runtime.event', kind: 'request', resources: ['events'], under: 'event', at: 'start', before: 100 * ms, after: 0 },
  { rule: 'runtime.event', kind: 'request', resources: ['events'], under: 'repeat', at: 'start', before: 100 * ms, after: 0 },
  {
    rule: 'runtime.binding',
    kind: 'request',
    resources: ['pods'],
    subresources: ['binding'],
    under: 'object',
    reasons: ['Scheduled'],
    at: 'end',
    before: second,
    after: 5 * second,
    phase: 'schedule',
  },
  {
    rule: 'runtime.create',
    kind: 'request',
    verbs: ['create'],
    subresources: [''],
    under: 'action',
    actions: ['create', 'scale-up'],
    at: 'end',
    before: second,
    after: 5 * second,
  },
  {
    rule: 'runtime.scale',
    kind: 'request',
    verbs: ['update', 'patch'],
    subresources: ['', 'scale'],
    under: 'action',
    actions: ['scale-up', 'scale-down', 'rescale'],
    at: 'end',
    before: 20 * ms,
    after: second,
  },
  {
    rule: 'runtime.delete',
    kind: 'request',
    verbs: ['delete'],
    under: 'action',
    actions: endings,
    at: 'end',
    before: second,
    after: 5 * second,
  },
  {
    rule: 'runtime.edit',
    kind: 'request',
    verbs: ['create', 'update', 'patch'],
    subresources: ['', 'scale'],
    under: 'root',
    at: 'end',
    before: 20 * ms,
    after: 10 * second,
  },
  {
    rule: 'runtime.pull',
    kind: 'call',
    methods: ['PullImage'],
    under: 'container',
    reasons: ['Pulling'],
    at: 'start',
    before: 50 * ms,
    after: 20 * ms,
    phase: 'pull',
  },
  {
    rule: 'runtime.pull',
    kind: 'call',
    methods: ['PullImage'],
    under: 'container',
    reasons: ['Pulled', 'Failed'],
    at: 'end',
    before: 20 * ms,
    after: 100 * ms,
    phase: 'pull',
  },
  {
    rule: 'runtime.create-container',
    kind: 'call',
    methods: ['CreateContainer'],
    under: 'container',
    reasons: ['Created', 'Failed'],
    at: 'end',
    before: 20 * ms,
    after: 100 * ms,
    phase: 'container',
  },
  {
    rule: 'runtime.start-container',
    kind: 'call',
    methods: ['StartContainer'],
    under: 'container',
    reasons: ['Started', 'Failed', 'BackOff'],
    at: 'end',
    before: 20 * ms,
    after: 100 * ms,
    phase: 'container',
  },
  {
    rule: 'runtime.stop-container',
    kind: 'call',
    methods: ['StopContainer'],
    under: 'container',
    reasons: ['Killing', 'Preempting', 'Evicted', 'ExceededGracePeriod'],
    at: 'start',
    before: 100 * ms,
    after: 50 * ms,
    phase: 'stop',
  },
  {
    rule: 'runtime.sandbox',
    kind: 'call',
    methods: ['RunPodSandbox'],
    failed: true,
    under: 'container',
    reasons: ['FailedCreatePodSandBox'],
    at: 'end',
    before: 20 * ms,
    after: 100 * ms,
  },
  {
    rule: 'runtime.run',
    kind: 'run',
    under: 'container',
    reasons: ['Started'],
    at: 'start',
    before: 20 * ms,
    after: 2 * second,
    phase: 'run',
  },
];

/** A deletion that no Event tells of: what it ended does. */
export const deletionWindow = { rule: 'runtime.delete', before: second, after: 10 * second } as const;

/** What else is known of a pod's life: how long before and after its Events a pass or a write may lie. */
export const podWindow = {
  rule: 'runtime.pod',
  endRule: 'runtime.pod-end',
  /** A kubelet learns of a pod, and an action is recorded, so much apart. */
  slack: second,
  /** A change settles 10 s after its last Event, and a kubelet writes what it knows at least each 10 s. */
  tail: 20 * second,
  /** The longest grace period that is reckoned with. */
  grace: 10 * minute,
} as const;
