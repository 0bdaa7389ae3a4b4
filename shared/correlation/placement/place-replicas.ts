/** A Deployment's ReplicaSet makes or deletes a pod: it answers a scaling, or replaces a pod that went without it. */
import { type ChangeState, isRolling, type TrackedChange } from '../change.ts';
import type { ObjectState } from '../context.ts';
import { keyOf, type Occurrence } from '../occurrence.ts';
import { quietAfterEnd, second } from '../settling-times.ts';
import { childKey, forgetChild } from './children.ts';
import { disruptionFor, disruptionsToPlace, replace } from './disruption.ts';
import type { DomainPass, Placer } from './domain-pass.ts';
import { scalingsToPlace, takeScaling } from './scaling-slots.ts';

export const replicaSetPlacer: Placer = {
  causes: (pass, one, object) => {
    if (accountedFor(pass, one, object)) return [];
    const disruptions = creates(one) ? disruptionsToPlace(pass, one, object) : [];
    return [...disruptions, ...scalingsToPlace(pass, one, object.ref.name, creates(one))];
  },
  place: placeReplica,
};

function placeReplica(pass: DomainPass, one: Occurrence, object: ObjectState): void {
  const up = creates(one);
  const set = object.ref.name;
  const rule = up ? 'owner.scale-up' : 'owner.scale-down';
  const known = accountedFor(pass, one, object);
  if (known) return pass.assign(one, { change: known.change, parent: known.occurrence, rule, evidence: known.occurrence });
  const disruption = up ? disruptionFor(pass, one, object) : null;
  const scaling = takeScaling(pass, one, set, up);
  const newer = disruption && scaling && disruption.at > scaling.at && one.at - scaling.at > 5 * second;
  const answered = newer ? null : pass.tracked(scaling?.change);
  if (scaling && answered) {
    pass.assign(one, { change: answered, parent: scaling.occurrence, rule, evidence: scaling.occurrence });
    return account(pass, one, answered);
  }
  const disrupted = pass.change(disruption?.change);
  if (disruption && disrupted) return replace(pass, one, disruption, disrupted);
  const last = pass.context.scalings.findLast((other) => other.set === set && other.up === up);
  const under = pass.tracked(last?.change);
  // A scaling that has all its pods makes no more of them: what comes beside a rollout replaces a pod that went silently.
  if (last && under && (isRolling(under) || !up)) {
    const { occurrence } = last;
    pass.assign(one, { change: under, parent: occurrence, rule: 'owner.last-scaling', evidence: occurrence, confidence: 'structure' });
    return account(pass, one, under);
  }
  const open = rolloutBetween(pass, one) ?? pass.latestChange(up ? ['heal'] : ['delete', 'scale']);
  const change = open ?? pass.begin(one, up ? 'heal' : 'delete', { continues: object.creation });
  pass.assign(one, { change, rule: 'replicaset.own', evidence: change.id, confidence: 'structure' });
  account(pass, one, change);
}

/** One ReplicaSet of the workload makes pods while another deletes them: a rollout of which no scaling tells. */
function rolloutBetween(pass: DomainPass, one: Occurrence): TrackedChange | undefined {
  const [set, workload] = one.routed.chain;
  if (!set || !workload) return undefined;
  const near = pass.openChanges(['rollout', creates(one) ? 'delete' : 'heal']).filter(({ last }) => one.at - last < quietAfterEnd);
  const found = near.findLast((change) => {
    const begun = pass.membersOf(change.id)[0]?.occurrence.routed.chain ?? [];
    const isOther = begun[0] !== undefined && keyOf(begun[0]) !== keyOf(set);
    return (
      begun[0]?.kind === set.kind && begun[1] !== undefined && keyOf(begun[1]) === keyOf(workload) && (isOther || change.kind === 'rollout')
    );
  });
  if (found) found.kind = 'rollout';
  return found;
}

/** Where the pod went when a merged Event had not named it yet: its own Events said that it was made or gone. */
function accountedFor(
  pass: DomainPass,
  one: Occurrence,
  { ref }: ObjectState,
): { readonly change: ChangeState; readonly occurrence: string } | null {
  const pod = pass.objectNamed('Pod', ref.namespace, one.routed.meaning.subject?.name ?? '');
  const link = creates(one) ? pod?.creation : pod?.deletion;
  const change = link?.by === 'structure' ? pass.change(link.change) : null;
  return link && change ? { change, occurrence: link.occurrence } : null;
}

function account(pass: DomainPass, one: Occurrence, change: TrackedChange): void {
  const pod = { kind: 'Pod', name: one.routed.meaning.subject?.name ?? '' };
  if (creates(one)) change.made[childKey(pod)] = 'waiting';
  else forgetChild(pass, pod);
}

function creates({ routed: { meaning } }: Occurrence): boolean {
  return meaning.verb === 'create';
}
