/**
 * Where everything starts. `correlator`, `exporter`, `reconciler` and the samples: one function as a process, as in a cluster. Anything
 * else is the command line, which can run all of them in one process.
 */
/** Each is loaded by itself: a cold start reads no more than it needs. */
const functions: Readonly<Record<string, () => Promise<unknown>>> = {
  correlator: () => import('./correlator/main.ts'),
  exporter: () => import('./exporter/main.ts'),
  reconciler: () => import('./reconciler/main.ts'),
};

const name = process.argv[2] ?? '';
const run = Object.hasOwn(functions, name) ? functions[name] : undefined;
const sample = run ? undefined : (await import('./samples/index.ts')).startOf(name);
if (run) await run();
else if (sample)
  await (await import('../shared/process/run-function.ts')).runFunction(
    name,
    (await import('../shared/telemetry/open-tracing.ts')).traced(name, await sample()),
  );
else {
  const { runCommandLine } = await import('../shared/cli/main.ts');
  const { samples, startOf } = await import('./samples/index.ts');
  await runCommandLine({
    startCorrelator: async (...given) => (await import('./correlator/index.ts')).startCorrelator(...given),
    startExporter: async (...given) => (await import('./exporter/index.ts')).startExporter(...given),
    startReconciler: async (...given) => (await import('./reconciler/index.ts')).startReconciler(...given),
    samples,
    startOf,
    startHeartbeats: async (...given) => (await import('./samples/heartbeats/index.ts')).startHeartbeats(...given),
    startEventDisplay: async (...given) => (await import('./samples/event-display/index.ts')).startEventDisplay(...given),
  });
}
