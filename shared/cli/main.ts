/** The command line of knspan. Each command is a file of its own beside this one; here are their options and exit codes. */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { defaultConfig } from '../correlation/config.ts';
import { WiringError } from '../dev-broker/read-wiring.ts';
import { ListenError } from '../http/listen.ts';
import { messageOf } from '../process/log.ts';
import { ConfigError } from '../process/settings.ts';
import { StoreError } from '../store/store.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { gameCommand } from './commands/demo.ts';
import { explainCommand } from './commands/explain.ts';
import { addExtensionCommands } from './commands/extension.ts';
import { findCommand } from './commands/find.ts';
import { demoCommand, type ReplayOptions, replayCommand } from './commands/replay.ts';
import { rulesCheckCommand } from './commands/rules.ts';
import { type ServeOptions, serveCommand } from './commands/serve.ts';
import { watchCommand } from './commands/watch.ts';
import { InputError } from './input/read-input.ts';
import type { LocalFunctions } from './local/local-run.ts';
import { replayThrough } from './local/replay-through-http.ts';
import { parseDelivery } from './simulated-delivery.ts';

const exitCodes = `
Exit codes: 0 done, 1 a trace has failed (with --exit-code) or a rules file has faults, 2 wrong usage, unreadable input
or an output that cannot be written, 3 the OpenTelemetry backend did not take everything.`;

const serveHelp = `
What it keeps is lost when it stops, unless REDIS_URL names a Redis. Settings of the functions come from the environment (KNSPAN_*).
Example:
  curl http://127.0.0.1:8080/ -H 'ce-specversion: 1.0' -H 'ce-id: 1' -H 'ce-source: me' -H 'ce-kind: Event' \\
    -H 'ce-type: dev.knative.apiserver.resource.add' -H 'content-type: application/json' -d @event.json`;

const clusterHelp = 'name of the cluster, part of every id (of a live one: the uid of its namespace kube-system)';

const dumpHelp = 'files, folders, or -; none: the cluster of the current kubeconfig';

const collect = (value: string, before: string[]): string[] => [...before, value];

/** How Events become traces. */
function decides(command: Command): Command {
  return command
    .option('--rules <file>', 'rules of your own, YAML or JSON (repeatable)', collect, [])
    .option('--lenient', 'use the good rules of a file that has bad ones', false)
    .addOption(new Option('--cluster <name>', clusterHelp).env('KNSPAN_CLUSTER').default(''));
}

function reads(command: Command): Command {
  return command.option('--objects <path>', 'objects beside the events: a list, or notifications over time (repeatable)', collect, []);
}

/** Which traces. */
function filters(command: Command): Command {
  return command
    .option('-n, --namespace <glob>', 'only traces in this namespace')
    .option('--failed', 'only failed traces', false)
    .option('--since <duration|time>', 'only traces that ended since then (2h: before the newest event)');
}

function filtersObjects(command: Command): Command {
  return command
    .option('--kind <glob>', 'only traces with an object of this kind')
    .option('--name <glob>', 'only traces with an object of this name');
}

function shows(command: Command): Command {
  return command
    .addOption(new Option('--view <view>', 'tree (default): spans of each trace; list: a line a trace').choices(['tree', 'list']))
    .addOption(new Option('--format <format>', 'otlp-json: one ExportTraceServiceRequest a line').choices(['otlp-json']))
    .option('--out <file>', 'write there instead of to standard output')
    .option(
      '--otlp <url>',
      'send to an OpenTelemetry backend (also by OTEL_EXPORTER_OTLP_*); shown as well where --view, --format or --out ask for it',
    )
    .option('--why', 'say by which rule and evidence each span got its place', false)
    .addOption(
      new Option('--orphans <way>', 'events without cause or effect: one digest an object and hour, each, or none')
        .choices(['digest', 'each', 'drop'])
        .env('KNSPAN_ORPHANS')
        .default('digest'),
    )
    .addOption(
      new Option('--budget <spans>', 'most spans in a trace; what is alike folds')
        .env('KNSPAN_BUDGET')
        .default(defaultConfig.budget)
        .argParser(positive),
    )
    .addOption(
      new Option('--root-service <name>', 'service.name of root spans')
        .env('KNSPAN_ROOT_SERVICE')
        .default(defaultConfig.rootService)
        .argParser((text) => text || defaultConfig.rootService),
    )
    .option('--quiet', 'no counts and no progress on standard error', false)
    .option('--exit-code', 'exit with 1 when a trace has failed', false);
}

/** Without the defaults that say nothing: no, none, empty. */
function described(option: Option): string {
  const more: string[] = [];
  if (option.argChoices) more.push(option.argChoices.join(', '));
  const shown: unknown = option.defaultValue;
  if (shown !== undefined && shown !== false && shown !== '' && !Array.isArray(shown)) more.push(`default: ${String(shown)}`);
  if (option.envVar !== undefined) more.push(`or by ${option.envVar}`);
  return more.length === 0 ? option.description : `${option.description} (${more.join('; ')})`;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError(`wanted a whole number from 0 to 65535, found '${text}'`);
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 10) throw new InvalidArgumentError(`wanted a whole number from 10 on, found '${text}'`);
  return value;
}

function program(functions: LocalFunctions): Command {
  const knspan = new Command('knspan')
    .description('Kubernetes Events in, OpenTelemetry traces out: see what happened to the cluster, why, how long it took, what failed.')
    .configureHelp({ optionDescription: described })
    .addHelpText('afterAll', exitCodes)
    .exitOverride();
  knspan
    .command('demo')
    .addArgument(
      new Argument('[which]', 'rollout: a real one, from the bundled capture; heartbeats: the game of coins')
        .choices(['rollout', 'heartbeats'])
        .default('rollout'),
    )
    .option('--beats <number>', 'with heartbeats: how many games', count, 10)
    .description('what it looks like, with nothing at hand')
    .action((which: string, { beats }: { beats: number }) => (which === 'heartbeats' ? gameCommand(functions, beats) : demoCommand()));
  const replay = knspan.command('replay').argument('<paths...>', 'files, folders, or - for standard input');
  shows(filtersObjects(filters(decides(reads(replay)))))
    .description('correlate Events from files: kubectl get events -A -o json | knspan replay -')
    .option('--deliver <how>', 'shuffle=SEED,duplicate=P,split=N: hand the input over as a bad network would', (text) => {
      const delivery = parseDelivery(text);
      if (!delivery) throw new InvalidArgumentError(`wanted 'shuffle=SEED,duplicate=P,split=N' with P from 0 to 1, found '${text}'`);
      return delivery;
    })
    .addOption(new Option('--through <way>', 'serve: as CloudEvents through broker and functions').choices(['serve']))
    .option('--correlators <number>', 'with --through: how many share the work', count, 1)
    .option('--with <overlay>', 'extensions: sampling, redact, owner-team, alert, or a folder of your own (repeatable)', collect, [])
    .action((paths: string[], options: ReplayOptions) =>
      options.through === undefined ? replayCommand(paths, options) : replayThrough(functions, paths, options),
    );
  shows(filtersObjects(filters(decides(knspan.command('watch')))))
    .description('follow a live cluster through the current kubeconfig and print or send traces as they settle')
    .option('--for <duration>', 'stop after this long (30s, 5m); default: until interrupted')
    .action(watchCommand);
  shows(filtersObjects(filters(decides(knspan.command('serve')))))
    .description('the whole pipeline in one process: takes CloudEvents by POST, shows or sends traces as they settle')
    .option('--port <number>', 'port to take CloudEvents on', count, 8080)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--live', 'follow the cluster of the current kubeconfig', false)
    .option('--correlators <number>', 'how many share the work', count, 1)
    .option('--with <overlay>', 'extensions: sampling, redact, owner-team, alert, or a folder of your own (repeatable)', collect, [])
    .addHelpText('after', serveHelp)
    .action((options: ServeOptions) => serveCommand(functions, options));
  const explain = knspan.command('explain').argument('<uid>', 'uid of an Event').argument('[paths...]', dumpHelp);
  decides(reads(explain))
    .option('-n, --namespace <name>', 'of the live cluster: read this namespace alone')
    .description('why an event has its parent, and which candidates lost')
    .action(explainCommand);
  const find = knspan.command('find').argument('<object>', 'kind/name, e.g. deployment/web').argument('[paths...]', dumpHelp);
  filters(decides(reads(find)))
    .description('traces of an object so far: outcome, cause and link (KNSPAN_TRACE_URL, with {traceId})')
    .option('--last', 'only its last change', false)
    .addOption(new Option('--view <view>', 'list: a line a trace; tree: its spans').choices(['list', 'tree']).default('list'))
    .action(findCommand);
  knspan
    .command('rules')
    .description('rules of your own')
    .command('check')
    .argument('<files...>')
    .description('check rules files')
    .action(rulesCheckCommand);
  knspan
    .command('deadletters')
    .description('what Brokers could not deliver, from the Redis that REDIS_URL names')
    .option('--resend <id>', 'have the reconciler send it again (repeatable)', collect, [])
    .option('--drop <id>', 'forget it (repeatable)', collect, [])
    .action(deadLettersCommand);
  addExtensionCommands(knspan, functions);
  return knspan;
}

/** Runs the command that the process was called with, and sets the exit code. */
export async function runCommandLine(functions: LocalFunctions): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has seen enough (head, less).
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`Cannot write to standard output: ${messageOf(error)}\n`);
    process.exit(2);
  });
  // Also where standard error goes into the same pipe.
  process.stderr.on('error', () => process.exit());
  try {
    await program(functions).parseAsync();
  } catch (error) {
    process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : 2;
    if (error instanceof CommanderError) return;
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    const expected = [InputError, ConfigError, WiringError, StoreError, ListenError].some((one) => error instanceof one);
    process.stderr.write(expected ? `${messageOf(error)}\n` : `knspan has failed: ${messageOf(error)}\n${stack}\n`);
  }
}
