/**
 * Revisions: what a deploy tool or a workload says that it applies. Events of one object that name the same revision belong together,
 * however much time lies between them.
 */
import type { TrackedChange } from '../change.ts';
import { keyOf, type Occurrence, revisionOf } from '../occurrence.ts';
import type { DomainPass } from './domain-pass.ts';
import { involvedOf } from './occurrence-index.ts';

/** The open change in which the object applies the same revision. */
export function changeOfRevision(pass: DomainPass, one: Occurrence): TrackedChange | undefined {
  const revision = revisionOf(one);
  if (revision === '') return undefined;
  const key = keyOf(involvedOf(one));
  return pass.openChanges().findLast((change) => change.revision === revision && keyOf(change.root) === key);
}
