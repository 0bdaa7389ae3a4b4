/** The reconciler as a process, as in a cluster. */

import { runFunction } from '../../shared/process/run-function.ts';
import { traced } from '../../shared/telemetry/open-tracing.ts';
import { startReconciler } from './index.ts';

await runFunction('reconciler', traced('reconciler', startReconciler));
