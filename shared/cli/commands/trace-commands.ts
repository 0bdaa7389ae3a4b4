/** The commands that show traces of a cluster or a dump: arguments, options, examples. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { LocalFunctions } from '../local/local-run.ts';
import { parseDelivery } from '../simulated-delivery.ts';
import type { FindOptions, SourceOptions } from './find.ts';
import { addExamples } from './help.ts';
import {
  addCluster,
  addFilters,
  addInput,
  addObjectFilters,
  addOutput,
  addPage,
  addRendering,
  addRules,
  addRuntime,
  collect,
  correlatorsOption,
  dumpArgument,
  withHelp,
} from './options.ts';
import type { ReplayOptions } from './replay.ts';
import type { PageOptions } from './replay-ui.ts';
import type { WatchOptions } from './watch.ts';

export function addFind(program: Command): void {
  const find = program
    .command('find')
    .summary('show the traces of one object')
    .description('Show the traces of one object, from a dump or from the live cluster: outcome, cause and a link.')
    .argument('<object>', 'kind/name, e.g. deployment/web, sts/db or deployment.apps/web')
    .argument('[paths...]', dumpArgument)
    .optionsGroup('Output:')
    .option('--last', 'only the last change', false)
    .addOption(new Option('--view <view>', 'list: one line per trace; tree: every span').choices(['list', 'tree']).default('list'))
    .action(async (object: string, paths: string[], options: FindOptions) =>
      (await import('./find.ts')).findCommand(object, paths, options),
    );
  addCluster(addRules(addInput(addFilters(find))));
  addExamples(find, [
    'knspan find deployment/web -n shop',
    'knspan find deployment/web -n shop --last --view tree',
    'knspan find deployment/web support-bundle.tar.gz',
    '# With links to your tracing backend',
    "KNSPAN_TRACE_URL='http://jaeger/trace/{traceId}' knspan find sts/db",
  ]);
}

export function addReplay(program: Command, functions: LocalFunctions): void {
  const replay = program
    .command('replay')
    .summary('show the traces of a dump, a support bundle or a recording')
    .description(
      'Show or send the traces of Events from files: `kubectl get events` as JSON, YAML or table, `kubectl cluster-info dump`, support bundles, recorded watches, logs of event exporters and audit logs; plain, compressed, or in an archive.',
    )
    .argument('<paths...>', 'files, folders, archives, or - for standard input')
    .action(async (paths: string[], options: ReplayOptions & PageOptions) => {
      if (options.ui) return (await import('./replay-ui.ts')).replayInPage(functions, paths, options);
      return options.through === undefined
        ? (await import('./replay.ts')).replayCommand(paths, options)
        : (await import('../local/replay-through-http.ts')).replayThroughHttp(functions, paths, options);
    });
  addRendering(addRules(addOutput(addObjectFilters(addFilters(addInput(replay))))));
  addRuntime(replay);
  addPage(replay)
    .optionsGroup('Try out the pipeline:')
    .option('--deliver <how>', 'deliver as a bad network would, shuffle=SEED,duplicate=P,split=N: the traces are the same', (text) => {
      const delivery = parseDelivery(text);
      if (!delivery) throw new InvalidArgumentError(`Wanted 'shuffle=SEED,duplicate=P,split=N' with P from 0 to 1, found '${text}'`);
      return delivery;
    })
    .addOption(new Option('--through <way>', 'serve: send CloudEvents over HTTP through broker and functions').choices(['serve']))
    .addOption(correlatorsOption('with --through: correlators that share the work'))
    .option('--with <overlay>', withHelp, collect, []);
  addExamples(replay, [
    'kubectl get events -A -o json | knspan replay - --failed',
    '# Objects beside the Events add owners, who made the edit, exit codes and readiness',
    'knspan replay events.json --objects objects.json',
    'knspan replay support-bundle.tar.gz',
    '# In the browser: timelines, histograms, each trace with its Events',
    'knspan replay events.json --ui',
    'knspan replay dump.txt --otlp http://localhost:4318',
    'knspan replay events.json --format otlp-json --out traces.jsonl',
    '# Where the time went: spans of API server, kubelet and containerd, from the file exporter of an OpenTelemetry Collector',
    'knspan replay events.json --spans spans.jsonl --runtime',
  ]);
}

export function addWatch(program: Command): void {
  const watch = program
    .command('watch')
    .summary('follow the live cluster, show each trace once it has settled')
    .description('Follow the live cluster and show or send each trace once it has settled. Reads only; nothing is installed.')
    .optionsGroup('Cluster:')
    .option('--for <duration>', 'stop after this time, e.g. 30s or 5m; without it when interrupted')
    .action(async (options: WatchOptions) => (await import('./watch.ts')).watchCommand(options));
  addRendering(addRules(addOutput(addObjectFilters(addFilters(addCluster(watch))))));
  addExamples(watch, [
    'knspan watch --failed',
    'knspan watch -n shop --kind Deployment --view list',
    '# Send the traces of the cluster to Jaeger',
    'knspan watch --otlp http://localhost:4318',
  ]);
}

export function addExplain(program: Command): void {
  const explain = program
    .command('explain')
    .summary('explain the place of an Event in its trace')
    .description('Explain the place of an Event in its trace: its parent, the rule and the evidence, and which candidates lost.')
    .argument('<uid>', 'metadata.uid of the Event')
    .argument('[paths...]', dumpArgument)
    .action(async (uid: string, paths: string[], options: SourceOptions) =>
      (await import('./explain.ts')).explainCommand(uid, paths, options),
    );
  addCluster(addRules(addInput(explain)));
  explain.optionsGroup('Cluster:').option('-n, --namespace <name>', 'read only this namespace of the live cluster');
  addExamples(explain, ['knspan explain 5a3f0c9e-… events.json', 'knspan explain 5a3f0c9e-… -n shop']);
}
