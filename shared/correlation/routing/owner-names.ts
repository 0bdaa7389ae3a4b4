/** Owners by generated name: controllers name their objects `<own name>-<suffix>`. */

export interface NamedOwner {
  readonly kind: string;
  readonly name: string;
}

const partsMost = 10;

/** Kinds that bear the name of what made them. */
const namesakes: Readonly<Record<string, string>> = { ServerlessService: 'Revision', PodAutoscaler: 'Revision' };

/** Who may have made an object of that kind and name: the first that is known to exist has. */
export function ownersByName(kind: string, name: string): readonly NamedOwner[] {
  const namesake = Object.hasOwn(namesakes, kind) ? namesakes[kind] : undefined;
  if (namesake !== undefined) return [{ kind: namesake, name }];
  const cut = name.lastIndexOf('-');
  if (cut <= 0) return [];
  const base = name.slice(0, cut);
  return kindsByName(kind, name.slice(cut + 1)).map((owner) => ({ kind: owner, name: base }));
}

function kindsByName(kind: string, suffix: string): readonly string[] {
  if (kind === 'Pod' && /^\d+$/.test(suffix)) return ['StatefulSet'];
  if (kind === 'Pod' && /^[a-z0-9]{5}$/.test(suffix)) return ['ReplicaSet', 'Job', 'DaemonSet', 'ReplicationController'];
  if (kind === 'Pod' && /^[a-z0-9]{1,4}$/.test(suffix)) return ['ReplicaSet'];
  if (kind === 'ReplicaSet' && /^[a-z0-9]{4,10}$/.test(suffix)) return ['Deployment'];
  if (kind === 'Job' && /^\d{7,}$/.test(suffix)) return ['CronJob'];
  // KEDA
  if (kind === 'Job' && /^[a-z0-9]{5}$/.test(suffix)) return ['ScaledJob'];
  if (kind === 'CertificateRequest' && /^\d+$/.test(suffix)) return ['Certificate'];
  // Knative names a Revision's Deployment so, and tells of it in no Event.
  if (kind === 'Deployment' && suffix === 'deployment') return ['Revision'];
  return [];
}

/** A StatefulSet's claims are called `<template>-<statefulset>-<ordinal>`, and both names may have hyphens. */
export function volumeClaimOwners(kind: string, name: string): readonly NamedOwner[] {
  const parts = name.split('-');
  if (kind !== 'PersistentVolumeClaim' || !/^\d+$/.test(parts.at(-1) ?? '')) return [];
  const owners: NamedOwner[] = [];
  for (let from = 1; from < parts.length - 1 && from < partsMost; from += 1)
    owners.push({ kind: 'StatefulSet', name: parts.slice(from, -1).join('-') });
  return owners;
}

/** The owner that the name tells of most likely, by the form of the name alone. */
export function likelyOwner(kind: string, name: string): NamedOwner | undefined {
  const owners = ownersByName(kind, name);
  const by = owners.find((owner) => kindsByName(owner.kind, owner.name.slice(owner.name.lastIndexOf('-') + 1)).length > 0);
  return by ?? owners[0];
}
