/**
 * Deploy tools: Flux, Argo CD, the Helm and manifest controllers of k3s. What they change is found by labels and
 * annotations (revision, tracking id); their messages name it in part.
 */
import type { Rule } from '../rule.ts';

const sync = { pair: 'sync', phase: 'sync' } as const;
const app = { group: ['argoproj.io'], kind: ['Application'] };

export const gitopsRules: readonly Rule[] = [...fluxRules(), ...fluxHelmRules(), ...argoRules(), ...argoStateRules(), ...k3sRules()];

/**
 * kustomize-controller and source-controller. Progressing lists one changed object per line. It is recorded after the apply, so
 * what it caused may be earlier. Whatever comes of it, ReconciliationSucceeded or a failure is the last word.
 */
function fluxRules(): readonly Rule[] {
  const kustomization = { group: ['kustomize.toolkit.fluxcd.io'], kind: ['Kustomization'] };
  const source = { group: ['source.toolkit.fluxcd.io'] };
  const apply = {
    ...kustomization,
    reason: ['Progressing'],
    class: 'action',
    verb: 'update',
    firstSign: true,
    begins: 'update',
    expectsEnd: true,
    lines: true,
  } as const;
  const named = '^(?<kind>[A-Z][A-Za-z0-9]*)/(?<namespace>[^/\\s]+)/(?<name>\\S+) ';
  const clusterNamed = '^(?<kind>[A-Z][A-Za-z0-9]*)/(?<name>[^/\\s]+) ';
  return [
    {
      ...apply,
      id: 'flux.create',
      patterns: [`${named}created`],
      verb: 'create',
      begins: 'create',
      subject: { kind: '$kind', namespace: '$namespace' },
    },
    {
      ...apply,
      id: 'flux.delete',
      patterns: [`${named}deleted`],
      verb: 'delete',
      begins: 'delete',
      subject: { kind: '$kind', namespace: '$namespace' },
    },
    { ...apply, id: 'flux.update', patterns: [`${named}configured`], subject: { kind: '$kind', namespace: '$namespace' } },
    {
      ...apply,
      id: 'flux.change-cluster',
      patterns: [`${clusterNamed}(?:created|configured|deleted)`],
      subject: { kind: '$kind', namespace: '' },
    },
    {
      ...kustomization,
      id: 'flux.healthy',
      reason: ['HealthCheckSucceeded', 'Progressing', 'info'],
      patterns: ['^Health check passed in (?<duration>[0-9.hmnuµ]*s)'],
      class: 'state',
    },
    { ...kustomization, id: 'flux.progressing', reason: ['Progressing'], class: 'state', firstSign: true },
    {
      ...kustomization,
      ...sync,
      id: 'flux.reconciled',
      reason: ['ReconciliationSucceeded'],
      patterns: ['^Reconciliation finished in (?<duration>[0-9.hmnuµ]*s)', '^'],
      class: 'end',
      ends: true,
    },
    { ...kustomization, id: 'flux.waiting', reason: ['DependencyNotReady', 'ArtifactNotReady'], class: 'state' },
    {
      ...kustomization,
      id: 'flux.failed',
      reason: ['HealthCheckFailed', 'ReconciliationFailed', 'BuildFailed', 'PruneFailed', 'ValidationFailed', 'ArtifactFailed'],
      class: 'failure',
      fails: true,
    },
    {
      ...source,
      id: 'flux.artifact',
      reason: ['NewArtifact', 'ChartPullSucceeded', 'ChartPackageSucceeded'],
      class: 'state',
      firstSign: true,
    },
    {
      ...source,
      id: 'flux.artifact-same',
      reason: ['ArtifactUpToDate', 'GarbageCollectionSucceeded', 'GitOperationSucceeded'],
      class: 'noise',
    },
  ];
}

/** Flux's helm-controller; k3s has one of the same name (below), on HelmCharts of another group. */
function fluxHelmRules(): readonly Rule[] {
  const release = { group: ['helm.toolkit.fluxcd.io'], kind: ['HelmRelease'], ...sync };
  const text = ['release (?<release>\\S+)(?: with chart (?<chart>[^\\s:]+))?', '^'];
  return [
    {
      ...release,
      id: 'flux.helm-done',
      reason: ['InstallSucceeded', 'UpgradeSucceeded', 'RollbackSucceeded', 'UninstallSucceeded', 'TestSucceeded'],
      patterns: text,
      class: 'end',
      ends: true,
      firstSign: true,
    },
    {
      ...release,
      id: 'flux.helm-failed',
      reason: ['InstallFailed', 'UpgradeFailed', 'RollbackFailed', 'UninstallFailed', 'TestFailed'],
      patterns: text,
      class: 'end',
      ends: true,
      fails: true,
    },
    {
      id: 'flux.helm-waiting',
      group: ['helm.toolkit.fluxcd.io'],
      kind: ['HelmRelease'],
      reason: ['DependencyNotReady', 'HelmChartCreated', 'HelmChartInSync'],
      class: 'state',
    },
  ];
}

/** Argo CD, written directly (no recorder): controller/appcontroller.go, server/application, util/argo/audit_logger.go. */
function argoRules(): readonly Rule[] {
  return [
    {
      ...app,
      ...sync,
      id: 'argocd.sync-started',
      reason: ['OperationStarted'],
      // `Initiated automated sync to '<sha>'` by the controller, `<user> initiated sync to main (<sha>)` by the server.
      patterns: [
        "^Initiated automated sync to '?(?<revision>[^'\\s]+)",
        'initiated (?:partial )?(?:sync|rollback) to (?<revision>\\S+)',
        '^',
      ],
      class: 'start',
      firstSign: true,
      begins: 'update',
      expectsEnd: true,
    },
    {
      ...app,
      ...sync,
      id: 'argocd.sync-succeeded',
      reason: ['OperationCompleted'],
      patterns: ['^(?:Partial sync|Sync) operation (?:to (?<revision>\\S+) )?succeeded'],
      class: 'end',
      ends: true,
    },
    {
      ...app,
      ...sync,
      id: 'argocd.sync-failed',
      reason: ['OperationCompleted'],
      patterns: ['^(?:Partial sync|Sync) operation (?:to (?<revision>\\S*) )?failed', '^'],
      class: 'end',
      ends: true,
      fails: true,
    },
  ];
}

/** What Argo CD says of applications beside syncs. */
function argoStateRules(): readonly Rule[] {
  return [
    {
      ...app,
      id: 'argocd.degraded',
      reason: ['ResourceUpdated'],
      patterns: ['^Updated health status: .* -> (?<outcome>Degraded|Missing)'],
      class: 'failure',
    },
    {
      ...app,
      id: 'argocd.status',
      reason: ['ResourceUpdated', 'StatusRefreshed'],
      patterns: ['^Updated (?:sync|health) status: .* -> (?<outcome>\\S+)', '^'],
      class: 'state',
    },
    // Told of the resource and of its Application, which does not say the resource's namespace: the first is the action,
    // the second its echo.
    {
      ...app,
      id: 'argocd.ran-action',
      reason: ['ResourceActionRan'],
      patterns: ['ran action (?<action>\\S+)', '^'],
      class: 'state',
      firstSign: true,
    },
    {
      id: 'argocd.act',
      reason: ['ResourceActionRan'],
      patterns: ['ran action (?<action>\\S+)', '^'],
      class: 'action',
      verb: 'update',
      firstSign: true,
      begins: 'update',
    },
    { ...app, id: 'argocd.edited', reason: ['ResourceCreated', 'ResourceDeleted'], class: 'state', firstSign: true },
  ];
}

/** k3s: pkg/deploy (component `deploy`, messages give a path only), helm-controller. */
function k3sRules(): readonly Rule[] {
  const addon = { group: ['k3s.cattle.io'], kind: ['Addon'] };
  return [
    { ...addon, ...sync, id: 'k3s.applying', reason: ['ApplyingManifest'], class: 'start', firstSign: true },
    { ...addon, ...sync, id: 'k3s.applied', reason: ['AppliedManifest'], class: 'end', ends: true },
    { ...addon, ...sync, id: 'k3s.deleting', reason: ['DeletingManifest'], class: 'start', firstSign: true },
    { ...addon, ...sync, id: 'k3s.deleted', reason: ['DeletedManifest'], class: 'end', ends: true },
    {
      ...addon,
      ...sync,
      id: 'k3s.apply-failed',
      reason: ['ApplyManifestFailed', 'ParseManifestFailed', 'DeleteManifestFailed'],
      class: 'end',
      ends: true,
      fails: true,
    },
    {
      id: 'k3s.apply-job',
      group: ['helm.cattle.io'],
      kind: ['HelmChart'],
      reason: ['ApplyJob'],
      patterns: ['^Applying HelmChart (?:from \\S+ )?using Job (?<namespace>[^/\\s]+)/(?<name>\\S+)'],
      class: 'action',
      verb: 'create',
      subject: { kind: 'Job', namespace: '$namespace' },
      firstSign: true,
    },
    {
      // The Job that uninstalls is created, not removed.
      id: 'k3s.remove-job',
      group: ['helm.cattle.io'],
      kind: ['HelmChart'],
      reason: ['RemoveJob'],
      patterns: ['^Uninstalling HelmChart (?:from \\S+ )?using Job (?<namespace>[^/\\s]+)/(?<name>\\S+)'],
      class: 'action',
      verb: 'create',
      subject: { kind: 'Job', namespace: '$namespace' },
      firstSign: true,
    },
  ];
}
