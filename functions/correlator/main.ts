/** The correlator as a process, as in a cluster. */

import { runFunction } from '../../shared/process/run-function.ts';
import { traced } from '../../shared/telemetry/open-tracing.ts';
import { startCorrelator } from './index.ts';

await runFunction('correlator', traced('correlator', startCorrelator));
