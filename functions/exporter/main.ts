/** The exporter as a process, as in a cluster. */
import { runFunction } from '../../shared/runtime/main.ts';
import { startExporter } from './index.ts';

await runFunction('exporter', startExporter);
