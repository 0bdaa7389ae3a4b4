/** Local runs with the real functions, wired as in `functions/main.ts`. */
import { startCorrelator } from '../../functions/correlator/index.ts';
import { startExplorer } from '../../functions/explorer/index.ts';
import { startExporter } from '../../functions/exporter/index.ts';
import { startHistory } from '../../functions/history/index.ts';
import { startReconciler } from '../../functions/reconciler/index.ts';
import { startRuntimeSpans } from '../../functions/runtime-spans/index.ts';
import { startEventDisplay } from '../../functions/samples/event-display/index.ts';
import { startHeartbeats } from '../../functions/samples/heartbeats/index.ts';
import { samples, startOf } from '../../functions/samples/index.ts';
import { playHeartbeats as playWith } from '../../shared/cli/local/heartbeats.ts';
import { startLocal as startWith } from '../../shared/cli/local/local-pipeline.ts';
import type { GameFigures, GameOptions, LocalFunctions, LocalOptions, LocalRun } from '../../shared/cli/local/local-run.ts';

export const localFunctions: LocalFunctions = {
  startCorrelator,
  startExporter,
  startReconciler,
  startExplorer,
  startHistory,
  samples,
  startOf: (name) => (name === 'runtime-spans' ? async () => startRuntimeSpans : startOf(name)),
  startHeartbeats,
  startEventDisplay,
};

export function startLocal(options: LocalOptions): Promise<LocalRun> {
  return startWith(localFunctions, options);
}

export function playHeartbeats(options: GameOptions): Promise<GameFigures> {
  return playWith(localFunctions, options);
}
