/** The correlator as a process, as in a cluster. */

import { runFunction } from '../../shared/runtime/main.ts';
import { traced } from '../tracing.ts';
import { startCorrelator } from './index.ts';

await runFunction('correlator', traced('correlator', startCorrelator));
