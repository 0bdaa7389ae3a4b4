/**
 * All commands in the order of the help. What a command takes is defined in `trace-commands.ts` and `pipeline-commands.ts`; what it does is
 * in the file of its name, which is loaded when the command runs.
 */
import { Argument, Command, Option } from 'commander';
import type { LocalFunctions } from '../local/local-run.ts';
import type { DemoOptions } from './demo.ts';
import { addExamples, describeOption, exitCodes, pathOf } from './help.ts';
import { addSql } from './history-commands.ts';
import { addOutput, addPage, wholeNumber } from './options.ts';
import { addDeadLetters, addExtension, addRulesCheck, addServe } from './pipeline-commands.ts';
import { addExplain, addFind, addReplay, addWatch } from './trace-commands.ts';
import { programName, versionOf } from './version.ts';

export function createProgram(functions: LocalFunctions): Command {
  const program = new Command(programName())
    .description('knspan turns Kubernetes Events into traces: what happened to the cluster, why, how long it took and what failed.')
    .usage('<command> [options]')
    .version(versionOf(), '-V, --version', 'print the version')
    .configureHelp({
      optionDescription: describeOption,
      subcommandTerm: (command) => `${command.name()} ${command.usage().replace('[options] ', '')}`,
    })
    .addHelpText('afterAll', exitCodes)
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .exitOverride();
  program.commandsGroup('Look at a cluster or a dump:');
  addFind(program);
  addReplay(program, functions);
  addWatch(program);
  addExplain(program);
  addSql(program);
  program.commandsGroup('Run the pipeline:');
  addServe(program, functions);
  addDeadLetters(program);
  program.commandsGroup('Extend it:');
  addRulesCheck(program);
  addExtension(program, functions);
  program.commandsGroup('Get started:');
  addDemo(program, functions);
  addCompletion(program);
  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])])
    command.showHelpAfterError(`Run '${pathOf(command)} --help' for usage`);
  // After its commands, which have taken over the configuration of the help.
  program.configureHelp({ ...program.configureHelp(), visibleOptions: () => [] });
  program.addHelpText(
    'after',
    '\nOptions:\n  -V, --version                   print the version\n  -h, --help                      print help',
  );
  return addExamples(program, [
    '# A sample trace, no cluster needed',
    'knspan demo',
    '# The last change of a Deployment, step by step: what failed, and why',
    'knspan find deployment/web -n shop --last --view tree',
    '# What has failed in the last hour',
    'kubectl get events -A -o json | knspan replay - --failed',
    '# What fails from now on',
    'knspan watch --failed',
  ]).addHelpText('after', () => `\nRun '${programName()} <command> --help' for the options of a command`);
}

function addDemo(program: Command, functions: LocalFunctions): void {
  const demo = program
    .command('demo')
    .summary('show a sample trace (no cluster needed)')
    .description('Show sample traces of a real cluster, from a bundled recording.')
    .addArgument(
      new Argument('[which]', 'rollout: a Deployment is rolled out and back; crashloop: a rollout that fails; heartbeats: a game of coins')
        .choices(['rollout', 'crashloop', 'heartbeats'])
        .default('rollout'),
    )
    .addOption(new Option('--beats <number>', 'with heartbeats: number of games').argParser(wholeNumber(1, 65_535)).default(10))
    .action(async (which: string, options: DemoOptions) => (await import('./demo.ts')).demoCommand(functions, which, options));
  addPage(addOutput(demo));
  addExamples(demo, ['knspan demo', 'knspan demo crashloop --why', 'knspan demo --otlp http://localhost:4318']);
}

function addCompletion(program: Command): void {
  const completion = program
    .command('completion')
    .summary('print a completion script for bash, zsh or fish')
    .description('Print a completion script for a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: 'bash' | 'zsh' | 'fish') => (await import('./completion.ts')).completionCommand(shell));
  addExamples(completion, [
    'source <(knspan completion bash)                                          # in ~/.bashrc',
    'source <(knspan completion zsh)                                           # in ~/.zshrc, after compinit',
    'knspan completion fish > ~/.config/fish/completions/knspan.fish',
  ]);
}
