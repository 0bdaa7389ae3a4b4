/**
 * Revisions: what a deploy tool or a workload says that it applies. Events of one object that name the same revision belong together,
 * however much time lies between them.
 */
import type { TrackedChange } from '../change.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import type { DomainPass } from './domain-pass.ts';
import { involvedOf } from './occurrence-index.ts';

/** The revision that the Event speaks for: by an annotation, or by its message where that begins or ends something; empty: none. */
export function revisionOf({ routed: { observation, meaning } }: Occurrence): string {
  const annotation = Object.keys(observation.annotations).find((name) => name.endsWith('/revision'));
  if (annotation !== undefined) return observation.annotations[annotation] ?? '';
  const bounds = meaning.begins !== '' || meaning.class === 'start' || meaning.class === 'end';
  return bounds ? (meaning.groups['revision'] ?? '') : '';
}

/** The open change in which the object applies the same revision. */
export function changeOfRevision(pass: DomainPass, one: Occurrence): TrackedChange | undefined {
  const revision = revisionOf(one);
  if (revision === '') return undefined;
  const key = keyOf(involvedOf(one));
  return pass.openChanges().findLast((change) => change.revision === revision && keyOf(change.root) === key);
}
