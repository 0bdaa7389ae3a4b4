/** The exporter as a process, as in a cluster. */

import { runFunction } from '../../shared/runtime/main.ts';
import { traced } from '../tracing.ts';
import { startExporter } from './index.ts';

await runFunction('exporter', traced('exporter', startExporter));
