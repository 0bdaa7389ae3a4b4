/** The commands that run the pipeline or extend it: arguments, options, examples. */
import type { Command } from 'commander';
import { Option } from 'commander';
import type { LocalFunctions } from '../local/local-run.ts';
import { addExamples } from './help.ts';
import { dataHelp } from './history-commands.ts';
import {
  addFilters,
  addObjectFilters,
  addOutput,
  addRendering,
  addRules,
  collect,
  correlatorsOption,
  wholeNumber,
  withHelp,
} from './options.ts';
import type { ServeOptions } from './serve.ts';

export function addServe(program: Command, functions: LocalFunctions): void {
  const serve = program
    .command('serve')
    .summary('run the whole pipeline in this process')
    .description(
      'Run the whole pipeline in this process: broker, correlator, exporter and extensions, wired as in a cluster. Takes CloudEvents by POST; shows or sends each trace once it has settled. Keeps the history of Events and traces in a data folder, or in the PostgreSQL that DATABASE_URL names; what has not settled is kept there across a clean stop, or in the Redis that REDIS_URL names. KNSPAN_* variables configure the functions.',
    )
    .optionsGroup('Pipeline:')
    .addOption(new Option('--port <number>', 'port for CloudEvents').argParser(wholeNumber(0, 65_535)).default(8_080))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--live', 'follow the cluster of the current kubeconfig', false)
    .option('--data <folder>', dataHelp)
    .option('--no-history', 'keep no history; what has not settled is lost on exit')
    .addOption(correlatorsOption('correlators that share the work'))
    .option('--with <overlay>', withHelp, collect, [])
    .action(async (options: ServeOptions) => (await import('./serve.ts')).serveCommand(functions, options));
  addRendering(addRules(addOutput(addObjectFilters(addFilters(serve)))));
  addExamples(serve, [
    'knspan serve --live --otlp http://localhost:4318',
    '# Post an Event to it',
    "curl http://127.0.0.1:8080/ -H 'ce-specversion: 1.0' -H 'ce-id: 1' -H 'ce-source: me' -H 'ce-kind: Event' \\",
    "  -H 'ce-type: dev.knative.apiserver.resource.add' -H 'content-type: application/json' -d @event.json",
  ]);
}

export function addDeadLetters(program: Command): void {
  const deadLetters = program
    .command('deadletters')
    .summary('list, re-send or drop what could not be delivered')
    .description('List what could not be delivered, from the Redis that REDIS_URL names; re-send or drop it.')
    .option('--resend <id>', 're-send it (repeatable)', collect, [])
    .option('--drop <id>', 'drop it (repeatable)', collect, [])
    .action(async (options) => (await import('./dead-letters.ts')).deadLettersCommand(options));
  addExamples(deadLetters, ['REDIS_URL=redis://localhost:6379 knspan deadletters', 'knspan deadletters --resend 7f3a… --drop 91c0…']);
}

export function addRulesCheck(program: Command): void {
  const rules = program
    .command('rules')
    .summary('check rules files')
    .description('Work with rules of your own.')
    .usage('check <files...>')
    .helpCommand(false);
  const check = rules
    .command('check')
    .summary('report every fault of rules files')
    .description('Report every fault of rules files by line and column.')
    .argument('<files...>', 'rules, YAML or JSON')
    .action(async (files: string[]) => (await import('./rules.ts')).rulesCheckCommand(files));
  for (const command of [rules, check])
    addExamples(command, ['knspan rules check my-rules.yaml', 'knspan replay events.json --rules my-rules.yaml']);
}

export function addExtension(program: Command, functions: LocalFunctions): void {
  const extension = program
    .command('extension')
    .summary('test, run or deploy a function of your own')
    .description('Test, run or deploy a function of your own on the Brokers.')
    .usage('test|run|yaml <file>')
    .helpCommand(false);
  const file = 'module with `export default defineFunction({...})`';
  extension
    .command('test')
    .summary('send real traces to the function and check its replies')
    .description('Send the bundled recordings through a local broker to the function, each event twice, and check its replies.')
    .argument('<file>', file)
    .option('--capture <folder>', 'a recording of your own instead: watch.jsonl, objects-watch.jsonl (repeatable)', collect, [])
    .option('--with <overlay>', withHelp, collect, [])
    .action(async (path: string, options) => (await import('./extension.ts')).testExtension(functions, path, options));
  extension
    .command('run')
    .summary('serve the function on PORT, as in a cluster')
    .description('Serve the function on PORT, as in a cluster.')
    .argument('<file>', file)
    .action(async (path: string) => (await import('./extension.ts')).runExtension(path));
  extension
    .command('yaml')
    .summary('print its Knative manifests')
    .description('Print its Knative manifests: Service, SinkBinding and Trigger.')
    .argument('<file>', file)
    .requiredOption('--image <image>', 'image of the Service')
    .option('--args <argument...>', 'arguments of its container', [])
    .action(async (path: string, options) => (await import('./extension.ts')).printManifests(path, options));
  addExamples(extension, [
    'knspan extension test index.ts',
    'knspan extension yaml index.ts --image registry.example/my-function:1 | kubectl apply -f -',
  ]);
}
