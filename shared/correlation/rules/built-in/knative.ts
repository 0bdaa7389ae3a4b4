/**
 * Knative Serving, pkg/reconciler/**: `Created <Kind> "<name>"` down from Service to Configuration, Route, Revision; ready
 * on the way up. A Revision's Deployment has no Event: ownership alone leads there.
 */
import type { Rule } from '../rule.ts';

const group = ['serving.knative.dev', 'networking.internal.knative.dev', 'autoscaling.internal.knative.dev'];
const eventing = ['sources.knative.dev', 'messaging.knative.dev', 'eventing.knative.dev', 'flows.knative.dev'];
const parents = {
  group,
  kind: ['Service', 'Configuration', 'Route', 'Revision', 'Ingress', 'PodAutoscaler', 'ServerlessService', 'DomainMapping'],
};

export const knativeRules: readonly Rule[] = [
  // Core Services bear the names of Knative's Services, and a subject tells kinds apart, not groups: these have none.
  {
    ...parents,
    id: 'knative.service',
    reason: ['Created', 'Updated', 'Deleted'],
    patterns: ['^(?:Created placeholder service|(?:Created|Updated|Deleted) Service) '],
    class: 'state',
  },
  // A Revision is up when it says so (knative.ready), which may be long after its pods have started.
  {
    ...parents,
    id: 'knative.create-revision',
    reason: ['Created'],
    patterns: ['^Created Revision "(?<name>[^"]+)"'],
    class: 'action',
    verb: 'create',
    subject: { kind: 'Revision' },
    phase: 'ready',
  },
  {
    ...parents,
    id: 'knative.create',
    reason: ['Created'],
    patterns: ['^Created (?<kind>[A-Z]\\w*) "(?<name>[^"]+)"'],
    class: 'action',
    verb: 'create',
    subject: { kind: '$kind' },
  },
  {
    ...parents,
    id: 'knative.update',
    reason: ['Updated'],
    patterns: ['^Updated (?<kind>[A-Z]\\w*) "(?<name>[^"]+)"'],
    class: 'action',
    verb: 'update',
    subject: { kind: '$kind' },
  },
  {
    ...parents,
    id: 'knative.delete',
    reason: ['Deleted'],
    patterns: ['^Deleted (?<kind>[A-Z]\\w*) "(?<name>[^"]+)"'],
    class: 'action',
    verb: 'delete',
    subject: { kind: '$kind' },
  },
  {
    ...parents,
    id: 'knative.ready',
    reason: ['RevisionReady', 'ConfigurationReady', 'LatestReadyUpdate'],
    patterns: ['updated to "(?<revision>[^"]+)"', '^'],
    class: 'end',
    pair: 'ready',
    phase: 'ready',
  },
  { ...parents, id: 'knative.not-ready', reason: ['LatestRevisionUpdate'], class: 'state' },
  {
    ...parents,
    id: 'knative.revision-failed',
    reason: ['LatestCreatedFailed'],
    patterns: ['revision "(?<revision>[^"]+)" has failed', '^'],
    class: 'failure',
    fails: true,
  },
  { ...parents, id: 'knative.failed', reason: ['CreationFailed', 'UpdateFailed', 'InternalError'], class: 'failure' },
  // Written by every generated reconciler, of Knative Eventing and others too.
  { id: 'knative.finalizer', reason: ['FinalizerUpdate'], class: 'noise' },
  { id: 'knative.finalizer-failed', reason: ['FinalizerUpdateFailed'], class: 'failure' },
  // Eventing: what a source makes is told in words that generic.ts knows, each success again and again.
  {
    group: eventing,
    id: 'eventing.reconciled',
    reason: [
      ...['ContainerSourceReconciled', 'ApiServerSourceReconciled', 'PingSourceReconciled', 'SinkBindingReconciled'],
      ...['BrokerReconciled', 'TriggerReconciled', 'ChannelReconciled', 'InMemoryChannelReconciled', 'SubscriptionReconciled'],
      ...['SequenceReconciled', 'ParallelReconciled'],
    ],
    class: 'noise',
  },
  { group: eventing, id: 'eventing.synced', reason: ['SubscriberSync', 'SubscriberRemoved'], class: 'state' },
  { group: eventing, id: 'eventing.waiting', reason: ['SubscriptionNotMarkedReadyByChannel'], class: 'state' },
  { group: eventing, id: 'eventing.failed', reason: ['UpdateFailed', 'InternalError', 'SinkNotFound'], class: 'failure' },
];
