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
const sample = run ? undefined : (await import('./samples.ts')).startOf(name);
if (run) await run();
else if (sample)
  await (await import('../shared/runtime/main.ts')).runFunction(name, (await import('./tracing.ts')).traced(name, await sample()));
else {
  const { runCommandLine } = await import('../shared/local/main.ts');
  await runCommandLine({
    startLocal: async (options) => (await import('./local.ts')).startLocal(options),
    playHeartbeats: async (options) => (await import('./local-game.ts')).playHeartbeats(options),
  });
}
