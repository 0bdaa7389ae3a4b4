/**
 * The entry point: the first argument names a function to run as a process, as in a cluster; any other argument is for the command line,
 * which can run all functions in one process.
 */
import type { Start } from '../shared/process/run-function.ts';
import { samples, startOf } from './samples/index.ts';

/** Loaded on demand: a cold start runs only the code of its function. */
const functions: Readonly<Record<string, () => Promise<Start>>> = {
  correlator: async () => {
    const { startCorrelator } = await import('./correlator/index.ts');
    return (context) => startCorrelator(context, { threadArgument: decidingThread });
  },
  exporter: async () => (await import('./exporter/index.ts')).startExporter,
  reconciler: async () => (await import('./reconciler/index.ts')).startReconciler,
  explorer: async () => (await import('./explorer/index.ts')).startExplorer,
  history: async () => (await import('./history/index.ts')).startHistory,
  'runtime-spans': async () => (await import('./runtime-spans/index.ts')).startRuntimeSpans,
};

/** With this argument the correlator starts this program once more, in a thread. */
const decidingThread = 'correlator-decides';

async function main(name: string): Promise<void> {
  if (name === decidingThread) return (await import('./correlator/decide/thread.ts')).runDecidingThread();
  const load = Object.hasOwn(functions, name) ? functions[name] : startOf(name);
  if (load === undefined) return runCommandLine();
  const { runFunction } = await import('../shared/process/run-function.ts');
  const { traced } = await import('../shared/telemetry/open-tracing.ts');
  await runFunction(name, traced(name, await load()));
}

async function runCommandLine(): Promise<void> {
  const { runCommandLine } = await import('../shared/cli/main.ts');
  await runCommandLine({
    startCorrelator: async (...given) => (await import('./correlator/index.ts')).startCorrelator(...given),
    startExporter: async (...given) => (await import('./exporter/index.ts')).startExporter(...given),
    startReconciler: async (...given) => (await import('./reconciler/index.ts')).startReconciler(...given),
    startExplorer: async (...given) => (await import('./explorer/index.ts')).startExplorer(...given),
    startHistory: async (...given) => (await import('./history/index.ts')).startHistory(...given),
    samples,
    startOf: (name) => (name === 'runtime-spans' ? functions[name] : startOf(name)),
    startHeartbeats: async (...given) => (await import('./samples/heartbeats/index.ts')).startHeartbeats(...given),
    startEventDisplay: async (...given) => (await import('./samples/event-display/index.ts')).startEventDisplay(...given),
  });
}

// Not awaited: the bundle is CommonJS. A rejection ends the process.
void main(process.argv[2] ?? '');
