/**
 * What any controller's words suggest, for Events that no other rule knows: messages that name what was made or removed.
 * They are not asked about Warnings nor about reasons that speak of trouble: match.ts calls those `generic.warning` and
 * `generic.failure`, and what is left `generic.state`.
 */
import type { Rule } from '../rule.ts';

/** A name as Kubernetes allows it, with or without quotes. */
const name = '["\']?(?<name>[a-z0-9][-a-z0-9.]*)';
/** The same with its namespace. */
const fullName = '["\']?(?<namespace>[a-z0-9][-a-z0-9]*)/(?<name>[a-z0-9][-a-z0-9.]*)';
/** `Pod`, or `pod` before a colon; the words that begin so and name no kind are kept out, and abbreviations (`SCC ranges`). */
const capitalKind = '(?!Container |Image |Volume )(?![A-Z]+ )(?<kind>[A-Z][A-Za-z0-9]*)(?: resource)?:? ';
const colonKind = '(?!container:|image:|volume:)(?<kind>[a-z]+): ';
/** `<Kind>/<namespace>/<name>` and, of cluster-scoped kinds, `<Kind>/<name>`, as Flux and kubectl write them. */
const path = '^(?<kind>[A-Z][A-Za-z0-9]*)/(?<namespace>[^/\\s]+)/(?<name>[^/\\s]+) ';
const clusterPath = '^(?<kind>[A-Z][A-Za-z0-9]*)/(?<name>[^/\\s]+) ';

/** A kind at the beginning, and a name in quotes: `Deployment created "x"`, `Deployment "x" updated`. */
const kindFirst = '^(?!Container |Image |Volume )(?<kind>[A-Z][A-Za-z0-9]*)';
const quoted = '["\'](?:(?<namespace>[a-z0-9][-a-z0-9]*)/)?(?<name>[a-z0-9][-a-z0-9.]*)["\']';
const replicaSet = '(?:ReplicaSet|[Rr]eplica set) (?<name>\\S+)(?: \\([^)]*\\))? from (?<from>\\d+) to (?<to>\\d+)';

const subject = { kind: '$kind', namespace: '$namespace' };
const clusterSubject = { kind: '$kind', namespace: '' };
const changed = '(?:configured|updated|patched|applied|replaced|scaled|restarted)';
const removed = '(?:deleted|removed|pruned)';

export const genericRules: readonly Rule[] = [
  // Descheduler: `pod eviction from node-1 node by sigs.k8s.io/descheduler`, with the name of the plugin as reason.
  {
    id: 'generic.evict',
    kind: ['Pod'],
    patterns: [
      '^[Pp]od (?:is |was |has been |is being )?evict(?:ed|ion) (?:from|by|due|because)\\b',
      '^[Ee]vict(?:ed|ing) (?:the )?pod\\b',
    ],
    class: 'action',
    verb: 'evict',
  },
  { id: 'generic.create', patterns: spellings('(?:Successfully )?[Cc]reated (?:new )?'), class: 'action', verb: 'create', subject },
  { id: 'generic.delete', patterns: spellings('(?:Successfully )?[Dd]eleted '), class: 'action', verb: 'delete', subject },
  {
    id: 'generic.made',
    patterns: [`${kindFirst} created ${quoted}`, `${kindFirst} ${quoted} created`],
    class: 'action',
    verb: 'create',
    subject,
  },
  {
    id: 'generic.edited',
    patterns: [`${kindFirst} updated ${quoted}`, `${kindFirst} ${quoted} updated`],
    class: 'action',
    verb: 'update',
    subject,
  },
  {
    id: 'generic.removed',
    patterns: [`${kindFirst} deleted ${quoted}`, `${kindFirst} ${quoted} deleted`],
    class: 'action',
    verb: 'delete',
    subject,
  },
  // What was made is not named, only owned.
  { id: 'generic.made-unnamed', patterns: [`${kindFirst} created$`], class: 'action', verb: 'create' },
  // library-go (OpenShift's operators), which is not asked for the group of a kind: `Created Pod/installer-2-m0 -n etcd because ..`.
  { id: 'generic.path-created', patterns: kubectlPaths('Created'), class: 'action', verb: 'create', subject },
  { id: 'generic.path-updated', patterns: kubectlPaths('Updated'), class: 'action', verb: 'update', subject },
  { id: 'generic.path-deleted', patterns: kubectlPaths('Deleted'), class: 'action', verb: 'delete', subject },
  {
    id: 'generic.scale-up',
    patterns: [`^Scaled up ${replicaSet}`],
    class: 'action',
    verb: 'scale-up',
    subject: { kind: 'ReplicaSet' },
  },
  {
    id: 'generic.scale-down',
    patterns: [`^Scaled down ${replicaSet}`],
    class: 'action',
    verb: 'scale-down',
    subject: { kind: 'ReplicaSet' },
  },
  { id: 'generic.created', patterns: [`${path}created`], class: 'action', verb: 'create', subject },
  { id: 'generic.deleted', patterns: [`${path}${removed}`], class: 'action', verb: 'delete', subject },
  { id: 'generic.changed', patterns: [`${path}${changed}`], class: 'action', verb: 'update', subject },
  { id: 'generic.created-cluster', patterns: [`${clusterPath}created`], class: 'action', verb: 'create', subject: clusterSubject },
  { id: 'generic.deleted-cluster', patterns: [`${clusterPath}${removed}`], class: 'action', verb: 'delete', subject: clusterSubject },
  { id: 'generic.changed-cluster', patterns: [`${clusterPath}${changed}`], class: 'action', verb: 'update', subject: clusterSubject },
];

/** `<Kind>[.<group>]/<name>[ -n <namespace>]`, as kubectl takes it. */
function kubectlPaths(verb: string): readonly string[] {
  const kinds = ['(?<kind>[A-Z][A-Za-z0-9]*)/', '(?<kind>[A-Z][A-Za-z0-9]*)\\.[^/\\s]+/'];
  return kinds.flatMap((one) => [`^${verb} ${one}(?<name>\\S+) -n (?<namespace>[^:\\s]+)`, `^${verb} ${one}(?<name>[^:\\s]+)`]);
}

function spellings(verb: string): readonly string[] {
  return [
    `^${verb}${capitalKind}${fullName}`,
    `^${verb}${capitalKind}${name}`,
    `^${verb}${colonKind}${fullName}`,
    `^${verb}${colonKind}${name}`,
  ];
}
