/**
 * Which Events knspan processes: one selection for the correlator's Trigger and the reconciler's listing, from the same settings. If
 * they differed, every Event that the Trigger excludes would count as missed.
 */
import { readFileSync } from 'node:fs';
import type { Settings } from './settings.ts';

export interface EventSelection {
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** Includes our own namespace: the Events of our pods would wake us forever. */
  readonly excluded: readonly string[];
}

/** CloudEvents types of Events from the source; `.delete` is only the expiry of an Event. */
export const eventTypes: readonly string[] = ['dev.knative.apiserver.resource.add', 'dev.knative.apiserver.resource.update'];
export const missedType = 'dev.knspan.event.missed';
export const tickType = 'dev.knative.sources.ping';

/** File with the namespace of this pod. */
const ownNamespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
const namespacesMost = 1_000;
const wanted = 'names of namespaces, separated by commas';

export function selectionOf(settings: Settings, own: string = ownNamespace()): EventSelection {
  const namespaces = listOf(settings, 'KNSPAN_NAMESPACES', '', 'namespaces whose Events are processed; none: all');
  const what = "namespaces whose Events are excluded; '-': none; the default is the function's own";
  const excluded = listOf(settings, 'KNSPAN_EXCLUDE_NAMESPACES', own === '' ? '-' : own, what);
  return { namespaces, excluded: excluded.filter((name) => name !== '-') };
}

export function isSelected({ namespaces, excluded }: EventSelection, namespace: string): boolean {
  return (namespaces.length === 0 || namespaces.includes(namespace)) && !excluded.includes(namespace);
}

/** The name of the cluster, part of every id; undefined: the uid of its namespace kube-system. */
export function clusterNameOf(settings: Settings): string | undefined {
  return settings.optionalText('KNSPAN_CLUSTER', {
    pattern: /^[A-Za-z0-9._:/-]{1,253}$/,
    wanted: '1 to 253 letters, digits and ._:/-',
    what: 'name of the cluster, part of every id; the default is the uid of its namespace kube-system',
  });
}

function listOf(settings: Settings, name: string, fallback: string, what: string): string[] {
  const text = settings.optionalText(name, { wanted, what }) ?? fallback;
  const names = text.split(',').flatMap((part) => part.trim() || []);
  if (names.length > namespacesMost || names.some((one) => !/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?|-)$/.test(one)))
    settings.fault(name, text, wanted);
  return names;
}

function ownNamespace(): string {
  try {
    return readFileSync(ownNamespaceFile, 'utf8').trim();
  } catch {
    return '';
  }
}
