/** The flags that several commands share. `option-values.ts` has what they are parsed to. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { defaultConfig } from '../../correlation/config.ts';
import type { Micros } from '../../events/observation.ts';
import { parseTimestamp } from '../../events/time.ts';
import { defaultRuntimeBudget } from '../../runtime-spans/budget.ts';

export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Wanted an integer from ${min} to ${max}, found '${text}'`);
  };
}

export const dumpArgument = 'files, folders, archives, or - for standard input; without any, the live cluster';
export const withHelp = 'run an extension beside it: sampling, redact, owner-team, alert, or a folder of your own (repeatable)';
const correlatorsMax = 64;

function time(text: string): Micros {
  const at = parseTimestamp(text);
  if (at === null) throw new InvalidArgumentError(`Wanted a time such as 2026-01-31T12:00:00Z, found '${text}'`);
  return at;
}

export function addInput(command: Command): Command {
  return command
    .optionsGroup('Input:')
    .option('--objects <path>', 'objects beside the Events: a dump, or notifications over time (repeatable)', collect, [])
    .addOption(
      new Option('--now <time>', 'when a table of `kubectl get events` was printed; without it the date of its file').argParser(time),
    );
}

export function addCluster(command: Command): Command {
  return command
    .optionsGroup('Cluster:')
    .option('--kubeconfig <file>', 'kubeconfig of the live cluster; without it KUBECONFIG or ~/.kube/config')
    .option('--context <name>', 'context of the kubeconfig; without it the current one');
}

export function addRules(command: Command): Command {
  return command
    .optionsGroup('Correlation:')
    .option('--rules <file>', 'additional rules, YAML or JSON (repeatable)', collect, [])
    .option('--lenient', 'skip faulty rules instead of refusing their file', false)
    .addOption(
      new Option('--cluster <name>', 'cluster name, part of every trace id; of a live cluster the uid of namespace kube-system')
        .env('KNSPAN_CLUSTER')
        .default(''),
    );
}

export function addFilters(command: Command): Command {
  return command
    .optionsGroup('Filter:')
    .option('-n, --namespace <glob>', 'only traces in this namespace; * stands for any text')
    .option('--failed', 'only traces that failed or are failing', false)
    .option('--since <duration|time>', 'only traces that ended since then, e.g. 2h (before the newest Event) or a time');
}

export function addObjectFilters(command: Command): Command {
  return command
    .option('--kind <glob>', 'only traces with an object of this kind')
    .option('--name <glob>', 'only traces with an object of this name');
}

export function addOutput(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .addOption(new Option('--view <view>', 'tree: every span of a trace (default); list: one line per trace').choices(['tree', 'list']))
    .addOption(new Option('--format <format>', 'otlp-json: one OTLP/JSON ExportTraceServiceRequest per line').choices(['otlp-json']))
    .option('--out <file>', 'write to this file instead of standard output')
    .option('--otlp <url>', 'send the traces to an OpenTelemetry backend (or set OTEL_EXPORTER_OTLP_ENDPOINT)')
    .option('--all', 'show each row, also those that one trouble sums up and those that are alike', false)
    .option('--why', 'show the rule and the evidence that placed each span', false)
    .option('--quiet', 'print nothing but errors on standard error', false)
    .option('--exit-code', 'exit with 1 if a trace has failed', false);
}

export function addRendering(command: Command): Command {
  return command
    .optionsGroup('Correlation:')
    .addOption(
      new Option('--orphans <mode>', 'Events without cause or effect: digest per object and hour, one trace each, or drop')
        .choices(['digest', 'each', 'drop'])
        .env('KNSPAN_ORPHANS')
        .default('digest'),
    )
    .addOption(
      new Option('--budget <spans>', 'max spans per trace; similar siblings are folded')
        .env('KNSPAN_BUDGET')
        .default(defaultConfig.budget)
        .argParser(wholeNumber(10, 1_000_000)),
    )
    .addOption(
      new Option('--root-service <name>', 'service.name of root spans')
        .env('KNSPAN_ROOT_SERVICE')
        .default(defaultConfig.rootService)
        .argParser((text) => text || defaultConfig.rootService),
    );
}

export function addRuntime(command: Command): Command {
  return command
    .optionsGroup('Runtime spans:')
    .addOption(
      new Option(
        '--spans <file>',
        "spans of API server, kubelet and containerd: OTLP/JSON lines of a Collector's file exporter, or Jaeger's JSON (repeatable)",
      )
        .argParser(collect)
        .conflicts('through'),
    )
    .option('--runtime', 'show them in the tree, below the step that they belong to', false)
    .addOption(
      new Option('--runtime-budget <spans>', 'max runtime spans per trace; 0: no limit')
        .env('KNSPAN_RUNTIME_BUDGET')
        .default(defaultRuntimeBudget)
        .argParser(wholeNumber(0, 1_000_000)),
    );
}

export function correlatorsOption(description: string): Option {
  return new Option('--correlators <number>', description).argParser(wholeNumber(1, correlatorsMax)).default(1);
}

export function addPage(command: Command): Command {
  return command
    .optionsGroup('Web page:')
    .addOption(
      new Option('--ui', 'show them in a web page instead of the terminal, until Ctrl-C').conflicts([
        'through',
        'deliver',
        'spans',
        'format',
        'out',
        'otlp',
        'view',
      ]),
    )
    .addOption(new Option('--port <number>', 'with --ui: port of the page; 0: any free one').argParser(wholeNumber(0, 65_535)).default(0))
    .option('--no-open', 'with --ui: do not open the browser');
}
