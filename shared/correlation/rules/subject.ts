/**
 * The subject of a rule: the object that an Event is really about, as a template over the named groups of the pattern that matched.
 */
import type { Observation } from '../../events/observation.ts';
import type { Meaning, SubjectTemplate } from './rule.ts';

const reference = /\$([A-Za-z_]\w*)/gu;

/** Kinds that messages write in their own way; any other lower-case word only gets its capital letter. */
const kindsAsWritten: ReadonlyMap<string, string> = new Map([
  ['configmap', 'ConfigMap'],
  ['cronjob', 'CronJob'],
  ['daemonset', 'DaemonSet'],
  ['machinedeployment', 'MachineDeployment'],
  ['machineset', 'MachineSet'],
  ['nodeclaim', 'NodeClaim'],
  ['persistentvolume', 'PersistentVolume'],
  ['persistentvolumeclaim', 'PersistentVolumeClaim'],
  ['pvc', 'PersistentVolumeClaim'],
  ['pv', 'PersistentVolume'],
  ['replicaset', 'ReplicaSet'],
  ['serviceaccount', 'ServiceAccount'],
  ['statefulset', 'StatefulSet'],
]);

export interface CompiledSubject {
  readonly kind: Template;
  readonly name: Template;
  /** Null: the involved object's namespace. */
  readonly namespace: Template | null;
  readonly uid: Template | null;
}

/** Literal text and names of groups in turn, beginning with literal text. */
type Template = readonly string[];

/** Names of the groups that a template such as `$kind` refers to. */
export function referencesOf(template: string): readonly string[] {
  return [...template.matchAll(reference)].map((match) => match[1] ?? '');
}

export function compileSubject(subject: SubjectTemplate): CompiledSubject {
  return {
    kind: compileTemplate(subject.kind),
    name: compileTemplate(subject.name ?? '$name'),
    namespace: subject.namespace === undefined ? null : compileTemplate(subject.namespace),
    uid: subject.uid === undefined ? null : compileTemplate(subject.uid),
  };
}

function compileTemplate(text: string): Template {
  return text.split(reference);
}

function fill(template: Template, groups: Readonly<Record<string, string>>): string {
  let text = template[0] ?? '';
  for (let i = 1; i < template.length; i += 2) text += (groups[template[i] ?? ''] ?? '') + (template[i + 1] ?? '');
  return text;
}

/** Null where the message does not name the object, and where it names the involved object itself. */
export function subjectFrom(template: CompiledSubject, groups: Readonly<Record<string, string>>, o: Observation): Meaning['subject'] {
  const kind = template.kind.length === 1 ? fill(template.kind, groups) : kindAsKubernetesWritesIt(fill(template.kind, groups));
  const name = fill(template.name, groups);
  if (kind === '' || name === '') return null;
  const namespace = namespaceFrom(template.namespace, groups, o.involved.namespace);
  const uid = template.uid === null ? '' : fill(template.uid, groups);
  if (kind === o.involved.kind && name === o.involved.name && namespace === o.involved.namespace) return null;
  return { kind, namespace, name, uid };
}

/** A message that leaves the namespace out means the involved object's; a literal empty one means a cluster-scoped kind. */
function namespaceFrom(template: Template | null, groups: Readonly<Record<string, string>>, involved: string): string {
  if (template === null) return involved;
  const namespace = fill(template, groups);
  return namespace === '' && template.length > 1 ? involved : namespace;
}

function kindAsKubernetesWritesIt(word: string): string {
  const first = word.charAt(0);
  if (first === first.toUpperCase()) return word;
  return kindsAsWritten.get(word) ?? first.toUpperCase() + word.slice(1);
}
