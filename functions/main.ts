/**
 * Where everything starts. `correlator`, `exporter`, `reconciler` and the samples: one function as a process, as in a cluster. Anything
 * else is the command line, which can run all of them in one process.
 */
import { runFunction, type Start } from '../shared/runtime/main.ts';

/** Each is loaded by itself: a cold start reads no more than it needs. */
const functions: Readonly<Record<string, () => Promise<Start>>> = {
  correlator: async () => (await import('./correlator/index.ts')).startCorrelator,
  exporter: async () => (await import('./exporter/index.ts')).startExporter,
  reconciler: async () => (await import('./reconciler/index.ts')).startReconciler,
};

const name = process.argv[2] ?? '';
const start = Object.hasOwn(functions, name) ? functions[name] : (await import('./samples.ts')).startOf(name);
if (start) await runFunction(name, await start());
else {
  const { runCommandLine } = await import('../shared/local/main.ts');
  await runCommandLine({
    startLocal: async (options) => (await import('./local.ts')).startLocal(options),
    playHeartbeats: async (options) => (await import('./local-game.ts')).playHeartbeats(options),
  });
}
