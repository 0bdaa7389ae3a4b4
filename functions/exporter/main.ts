/** The exporter as a process, as in a cluster. */

import { runFunction } from '../../shared/process/run-function.ts';
import { traced } from '../../shared/telemetry/open-tracing.ts';
import { startExporter } from './index.ts';

await runFunction('exporter', traced('exporter', startExporter));
