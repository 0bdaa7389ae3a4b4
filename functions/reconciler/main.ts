/** The reconciler as a process, as in a cluster. */

import { runFunction } from '../../shared/runtime/main.ts';
import { traced } from '../tracing.ts';
import { startReconciler } from './index.ts';

await runFunction('reconciler', traced('reconciler', startReconciler));
