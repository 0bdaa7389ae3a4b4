/** The table of all settings, from what the functions read. `node test/helpers/settings-table.ts` prints it for functions/README.md. */
import { fileURLToPath } from 'node:url';
import { startCorrelator } from '../../functions/correlator/index.ts';
import { startExplorer } from '../../functions/explorer/index.ts';
import { startExporter } from '../../functions/exporter/index.ts';
import { startHistory } from '../../functions/history/index.ts';
import { startReconciler } from '../../functions/reconciler/index.ts';
import { startRuntimeSpans } from '../../functions/runtime-spans/index.ts';
import { helpers, samples, startOf } from '../../functions/samples/index.ts';
import { functionContext, type Start } from '../../shared/process/run-function.ts';
import { ConfigError, type Setting, Settings } from '../../shared/process/settings.ts';
import { traced } from '../../shared/telemetry/open-tracing.ts';

const pipeline: Readonly<Record<string, Start>> = {
  correlator: startCorrelator,
  exporter: startExporter,
  reconciler: startReconciler,
  history: startHistory,
  explorer: startExplorer,
  'runtime-spans': startRuntimeSpans,
};
const beside = [...Object.keys(samples), ...Object.keys(helpers)];
const extensions = Object.keys(samples);
/** One fault, so that nothing is started once all settings are read. */
const env = { PORT: 'none' };

async function readBy(name: string, start: Start): Promise<readonly Setting[]> {
  const settings = new Settings(env);
  try {
    await traced(name, start)(functionContext(name, settings));
  } catch (error) {
    if (error instanceof ConfigError) return settings.table;
    throw error;
  }
  throw new Error(`Cannot list the settings of the ${name}: wanted a refused start, found it running`);
}

export async function settingsTable(): Promise<string> {
  const rows = new Map<string, { readonly setting: Setting; readonly by: string[] }>();
  const starts = Object.entries(pipeline);
  for (const name of beside) {
    const start = await startOf(name)?.();
    if (start) starts.push([name, start]);
  }
  for (const [name, start] of starts)
    for (const setting of await readBy(name, start)) {
      const row = rows.get(setting.name) ?? { setting, by: [] };
      row.by.push(name);
      rows.set(setting.name, row);
    }
  const lines = [...rows.values()].toSorted(
    (a, b) => order(a.setting.name) - order(b.setting.name) || (a.setting.name < b.setting.name ? -1 : 1),
  );
  return ['| variable | read by | default | permitted | what for |', '|---|---|---|---|---|', ...lines.map(lineOf)].join('\n');
}

const families = ['PORT', 'K_', 'REDIS_', 'KNSPAN_', 'OTEL_'];

function order(name: string): number {
  return families.findIndex((family) => name.startsWith(family));
}

/** Those beside the pipeline together, where all of them read it. */
function whoOf(by: readonly string[]): string {
  if ([...Object.keys(pipeline), ...beside].every((name) => by.includes(name))) return 'all';
  const together = extensions.every((name) => by.includes(name));
  return [...by.filter((name) => !together || !extensions.includes(name)), ...(together ? ['extensions'] : [])].join(', ');
}

function lineOf({ setting: { name, default: fallback, wanted, what }, by }: { setting: Setting; by: readonly string[] }): string {
  const who = whoOf(by);
  const cell = (text: string) => text.replaceAll('|', '\\|');
  return `| \`${name}\` | ${who} | ${fallback === '' ? '' : `\`${cell(fallback)}\``} | ${cell(wanted)} | ${cell(what)} |`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${await settingsTable()}\n`);
