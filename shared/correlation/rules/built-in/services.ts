/**
 * Services, load balancers, endpoints, Ingresses. The cloud load balancer controller and a controller of Knative Serving
 * share the name `service-controller`: here only Services of the core group count (knative.ts has the others).
 */
import type { Rule } from '../rule.ts';

const service = { group: [''], kind: ['Service'] };
const balancer = { ...service, pair: 'load-balancer', phase: 'load-balancer' } as const;

export const serviceRules: readonly Rule[] = [...cloudRules(), ...k3sRules(), ...endpointRules(), ...otherRules()];

/** staging/src/k8s.io/cloud-provider/controllers/service/controller.go. Before 1.16 the reasons began with `Creating`. */
function cloudRules(): readonly Rule[] {
  return [
    { ...balancer, id: 'service.ensuring', reason: ['EnsuringLoadBalancer', 'CreatingLoadBalancer'], class: 'start', firstSign: true },
    { ...balancer, id: 'service.ensured', reason: ['EnsuredLoadBalancer', 'CreatedLoadBalancer'], class: 'end' },
    { ...balancer, id: 'service.deleting', reason: ['DeletingLoadBalancer'], class: 'start', firstSign: true, begins: 'delete' },
    { ...balancer, id: 'service.deleted', reason: ['DeletedLoadBalancer'], class: 'end' },
    // k3s: the addresses that its load balancer got, which is how `Ensuring` ends there.
    {
      ...balancer,
      id: 'service.addresses',
      reason: ['UpdatedLoadBalancer'],
      patterns: ['^Updated LoadBalancer with new IPs: .* -> \\[(?<addresses>[^\\]]+)\\]'],
      class: 'end',
    },
    { ...service, id: 'service.updated', reason: ['UpdatedLoadBalancer'], class: 'state' },
    {
      ...service,
      id: 'service.failed',
      reason: [
        'SyncLoadBalancerFailed',
        'UpdateLoadBalancerFailed',
        'LoadBalancerUpdateFailed',
        'CreatingLoadBalancerFailed',
        'DeletingLoadBalancerFailed',
        'UnAvailableLoadBalancer',
      ],
      class: 'failure',
    },
    // The edits that make the controller work, as `<old> -> <new>`.
    {
      ...service,
      id: 'service.edited',
      reason: [
        'Type',
        'LoadBalancerSourceRanges',
        'LoadbalancerIP',
        'LoadBalancerIP',
        'ExternalIP',
        'ExternalTrafficPolicy',
        'HealthCheckNodePort',
        'Count',
        'UID',
      ],
      class: 'state',
      firstSign: true,
    },
  ];
}

/** k3s (klipper-lb): one DaemonSet a Service, in kube-system whatever the Service's namespace. */
function k3sRules(): readonly Rule[] {
  const named = { kind: 'DaemonSet', namespace: '$namespace' };
  return [
    {
      ...service,
      id: 'k3s.apply-daemonset',
      reason: ['AppliedDaemonSet'],
      patterns: ['^Applied LoadBalancer DaemonSet (?<namespace>[^/\\s]+)/(?<name>\\S+)'],
      class: 'action',
      verb: 'update',
      subject: named,
    },
    {
      ...service,
      id: 'k3s.delete-daemonset',
      reason: ['DeletedDaemonSet'],
      patterns: ['^Deleted LoadBalancer DaemonSet (?<namespace>[^/\\s]+)/(?<name>\\S+)'],
      class: 'action',
      verb: 'delete',
      subject: named,
    },
  ];
}

/** pkg/controller/endpoint, endpointslice, endpointslicemirroring; success is silent. */
function endpointRules(): readonly Rule[] {
  return [
    {
      id: 'endpoints.failed',
      group: ['', 'discovery.k8s.io'],
      kind: ['Endpoints', 'EndpointSlice', 'Service'],
      reason: [
        ...['FailedToCreateEndpoint', 'FailedToUpdateEndpoint', 'FailedToUpdateEndpoints', 'FailedToUpdateEndpointSlices'],
        ...['FailedToDeleteEndpointSlices', 'FailedToListPods', 'FailedToListEndpointSlices', 'FailedToSyncEndpointSlices'],
      ],
      class: 'failure',
    },
    {
      id: 'endpoints.topology',
      ...service,
      reason: ['TopologyAwareHintsEnabled', 'TopologyAwareHintsDisabled', 'TopologyAwareRoutingEnabled', 'TopologyAwareRoutingDisabled'],
      class: 'state',
    },
  ];
}

/** pkg/registry/core/service/{ipallocator,portallocator}/controller (repair loops); ingress-nginx. */
function otherRules(): readonly Rule[] {
  return [
    {
      id: 'service.allocation',
      group: ['', 'networking.k8s.io'],
      kind: ['Service', 'IPAddress'],
      reason: [
        ...[
          'ClusterIPNotAllocated',
          'ClusterIPAlreadyAllocated',
          'ClusterIPOutOfRange',
          'ClusterIPNotValid',
          'ClusterIPAllocatorFull',
          'IPRangeFull',
        ],
        ...[
          'IPAddressNotAllocated',
          'IPAddressWrongReference',
          'PortNotAllocated',
          'PortAlreadyAllocated',
          'PortOutOfRange',
          'PortRangeFull',
        ],
      ],
      class: 'failure',
    },
    // `Scheduled for sync`, from each replica of the controller at every start.
    { id: 'ingress.sync', kind: ['Ingress'], reason: ['Sync'], class: 'noise' },
  ];
}
