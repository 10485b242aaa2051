import { Command, Option } from 'commander';
import { version } from '../functions/lib/version.ts';
import { commandIndex } from './command-words.ts';
import { connectHelp } from './connect.ts';
import type { CliEnv } from './env.ts';
import { addExamples } from './examples.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { namespaceOption, requestTimeoutOption } from './options.ts';
import { colourHelp } from './output/colour.ts';
import { summaries } from './summaries.ts';
import { nameHelpInErrors } from './usage-errors.ts';

type CommandName = '__complete' | keyof typeof summaries;
type Register = (program: Command, env: CliEnv) => void;

/** Every command, in alphabetical order; its module is loaded when it is asked for. */
const commands: Readonly<Record<CommandName, () => Promise<Register>>> = {
  __complete: async () => (await import('./commands/completion.ts')).registerComplete,
  apply: async () => (await import('./commands/apply.ts')).registerApply,
  completion: async () => (await import('./commands/completion.ts')).registerCompletion,
  config: async () => (await import('./commands/config.ts')).registerConfig,
  deadletters: async () => (await import('./commands/deadletters.ts')).registerDeadLetters,
  delete: async () => (await import('./commands/delete.ts')).registerDelete,
  demo: async () => (await import('./commands/demo.ts')).registerDemo,
  describe: async () => (await import('./commands/describe.ts')).registerDescribe,
  diff: async () => (await import('./commands/diff.ts')).registerDiff,
  doctor: async () => (await import('./commands/doctor.ts')).registerDoctor,
  edit: async () => (await import('./commands/edit.ts')).registerEdit,
  events: async () => (await import('./commands/events.ts')).registerEvents,
  explain: async () => (await import('./commands/explain.ts')).registerExplain,
  get: async () => (await import('./commands/get.ts')).registerGet,
  install: async () => (await import('./commands/install.ts')).registerInstall,
  looks: async () => (await import('./commands/looks.ts')).registerLooks,
  red: async () => (await import('./commands/red.ts')).registerRed,
  status: async () => (await import('./commands/status.ts')).registerStatus,
  top: async () => (await import('./commands/top.ts')).registerTop,
  trace: async () => (await import('./commands/trace.ts')).registerTrace,
  uninstall: async () => (await import('./commands/uninstall.ts')).registerUninstall,
  up: async () => (await import('./commands/up.ts')).registerUp,
  upgrade: async () => (await import('./commands/install.ts')).registerUpgrade,
  version: async () => (await import('./commands/version.ts')).registerVersion,
  watch: async () => (await import('./commands/watch.ts')).registerWatch,
};

/**
 * The program with the command that the arguments ask for. Where they ask for none there are only names and summaries:
 * to list the commands, or to say which one was meant. Without arguments it is all of it.
 */
export async function createProgram(args: readonly string[], env: CliEnv): Promise<Command> {
  const program = new Command('cloverctl')
    .description('Shift traffic between versions, watch the wire, keep or take back.')
    .version(
      version,
      '-V, --version',
      'version of cloverctl; "version" has that of the control plane, too',
    )
    .option('--json', 'one JSON document as output')
    .option('--server <url>', 'address of the control plane (CLOVER_SERVER)')
    .option('--context <name>', 'control plane by its name (CLOVER_CONTEXT); see "config"')
    .option('--token <token>', 'bearer token; CLOVER_TOKEN keeps it out of process lists')
    .addOption(requestTimeoutOption())
    .addOption(
      new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).default('auto'),
    )
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => command.name() })
    .showHelpAfterError('(see --help)')
    .addHelpText('after', connectHelp)
    .addHelpText('after', colourHelp)
    .addHelpText('after', exitCodeHelp)
    .configureOutput({
      writeOut: (text) => env.stdout.write(text),
      writeErr: (text) => env.stderr.write(text),
    });
  const asked = commandOf(args[0] === 'help' ? args.slice(1) : args);
  if (asked !== undefined) {
    (await commands[asked]())(program, env);
  } else {
    // A command has its own, and a program that has one, too, would take it away from there.
    program.addOption(namespaceOption('namespace, for commands that have one'));
  }
  if (args.length === 0) {
    for (const load of Object.values(commands)) (await load())(program, env);
  } else if (asked === undefined) {
    for (const [name, text] of Object.entries(summaries)) program.command(name).description(text);
  }
  for (const command of program.commands) command.copyInheritedSettings(program);
  nameHelpInErrors(program);
  addExamples(program);
  return program;
}

const isCommand = (word: string): word is CommandName => Object.hasOwn(commands, word);

/** The command among the arguments. */
function commandOf(args: readonly string[]): CommandName | undefined {
  const word = args[commandIndex(args)] ?? '';
  return isCommand(word) ? word : undefined;
}
