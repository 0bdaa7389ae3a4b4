/**
 * The attributes that are read from a runtime span, by the names of all versions: Kubernetes 1.34 and older, 1.35 and newer (the stable
 * HTTP conventions), containerd 1.7 to 2.4. All others are skipped unread: request bodies, peers, what says nothing to a person.
 */
const kept = new Set([
  // API server
  'audit-id',
  'verb',
  'resource',
  'subresource',
  'api-group',
  'group',
  'namespace',
  'name',
  'key',
  'user-agent',
  'user_agent.original',
  'configuration',
  'webhook',
  'operation',
  // HTTP
  'http.method',
  'http.request.method',
  'http.status_code',
  'http.response.status_code',
  'http.target',
  'http.url',
  'url.path',
  'url.full',
  'http.response_content_length',
  'http.response.body.size',
  // kubelet
  'k8s.pod.uid',
  'k8s.pod.name',
  'k8s.namespace.name',
  'k8s.pod.update_type',
  // gRPC and ttrpc
  'rpc.service',
  'rpc.method',
  'rpc.grpc.status_code',
  'rpc.ttrpc.status_code',
  // containerd
  'sandbox.id',
  'sandbox.name',
  'sandbox.ip',
  'container.id',
  'container.name',
  'container.image.ref',
  'image.ref',
  'image.size.bytes',
  'snapshotter.name',
  'layer.media.digest',
  'layer.media.size',
  'descriptor.digest',
  'descriptor.media.type',
  'task.id',
  'task.container.id',
  'task.pid',
  'process.id',
]);

export function isKept(key: string): boolean {
  return kept.has(key);
}
