/**
 * All built-in rules, in the order in which they are tried: autoscaling before scheduling and kubelet, whose reasons
 * Karpenter borrows; the generic ones last.
 */
import type { Rule } from '../rule.ts';
import { autoscalingRules } from './autoscaling.ts';
import { certificateRules } from './certificates.ts';
import { clusterRules } from './clusters.ts';
import { genericRules } from './generic.ts';
import { gitopsRules } from './gitops.ts';
import { knativeRules } from './knative.ts';
import { kubeletRules } from './kubelet.ts';
import { nodeRules } from './nodes.ts';
import { openshiftRules } from './openshift.ts';
import { operatorRules } from './operators.ts';
import { rolloutRules } from './rollouts.ts';
import { schedulingRules } from './scheduling.ts';
import { serviceRules } from './services.ts';
import { storageRules } from './storage.ts';
import { workloadRules } from './workloads.ts';

export const builtInRules: readonly Rule[] = [
  ...workloadRules,
  ...autoscalingRules,
  ...schedulingRules,
  ...kubeletRules,
  ...nodeRules,
  ...storageRules,
  ...serviceRules,
  ...rolloutRules,
  ...knativeRules,
  ...certificateRules,
  ...gitopsRules,
  ...clusterRules,
  ...openshiftRules,
  ...operatorRules,
  ...genericRules,
];
