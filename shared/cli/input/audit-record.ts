/**
 * A record of the API server's audit log (audit.k8s.io/v1) -> who wrote which object when. Only the writes of people and of deploy tools
 * count: what the controllers of Kubernetes write, their Events tell.
 */
import { field, numberField, textField } from '../../events/json.ts';
import { parseTimestamp } from '../../events/time.ts';
import type { Edit, KubeObject } from '../../kubernetes/object.ts';
import { parseObject } from '../../kubernetes/parse-object.ts';
import { kindOfName } from './kinds.ts';

export interface AuditedWrite {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Empty where the log keeps metadata only. */
  readonly uid: string;
  readonly edit: Edit;
  /** As the API server answered, where the log keeps answers. */
  readonly object: KubeObject | null;
}

const writeVerbs: readonly string[] = ['create', 'update', 'patch', 'delete', 'apply'];
const controllers = /^system:(?:node:|kube-|apiserver|serviceaccount:kube-system:)/;
const loopbackUser = 'system:apiserver';

/** Null for anything but a write that has succeeded and that no part of Kubernetes itself has made. */
export function parseAuditRecord(record: unknown): AuditedWrite | null {
  const reference = field(record, 'objectRef');
  const verb = textField(record, 'verb');
  const subresource = textField(reference, 'subresource');
  const code = numberField(field(record, 'responseStatus'), 'code') ?? 0;
  const at = parseTimestamp(field(record, 'stageTimestamp'));
  const user = textField(field(record, 'impersonatedUser'), 'username') || textField(field(record, 'user'), 'username');
  const isWrite = writeVerbs.includes(verb) && textField(record, 'stage') === 'ResponseComplete' && code >= 200 && code < 300;
  // Not a status, an eviction, a binding or a login into a container.
  if (!isWrite || at === null || user === '' || user === loopbackUser || controllers.test(user) || !['', 'scale'].includes(subresource))
    return null;
  const parsed = subresource === '' ? parseObject(field(record, 'responseObject')) : null;
  const object = parsed?.ok && parsed.value.kind !== 'Status' ? parsed.value : null;
  const name = textField(reference, 'name') || object?.name || '';
  if (name === '') return null;
  return {
    kind: object?.kind ?? kindOfName(textField(reference, 'resource')),
    namespace: textField(reference, 'namespace'),
    name,
    uid: object?.uid || textField(reference, 'uid'),
    edit: { manager: user, operation: verb === 'patch' ? 'Update' : verb.charAt(0).toUpperCase() + verb.slice(1), subresource, at },
    object,
  };
}
