import { Option, type Command } from 'commander';
import type { GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { addClusterOptions, type ClusterOptions } from '../installation/open-cluster.ts';
import { parseSet } from '../installation/set-option.ts';
import type { SettingsOptions } from '../installation/settings.ts';
import { addSwitch } from '../object-options.ts';
import { durationOption } from '../options.ts';

/** Options of `install` and `upgrade`. */
export interface InstallOptions extends GlobalOptions, ClusterOptions, SettingsOptions {
  readonly dryRun?: boolean;
  readonly wait: boolean;
  readonly timeout: number;
  readonly force?: boolean;
  readonly forceConflicts?: boolean;
  readonly print?: boolean;
  readonly outputDir?: string;
}

/** `install`: Clover on a cluster. */
export function registerInstall(program: Command, env: CliEnv): void {
  const command = program.command('install').description('install Clover on a Kubernetes cluster');
  addInstallOptions(command)
    .option('--print', 'print what would be applied, as YAML, and ask no cluster')
    .option('--output-dir <folder>', 'with --print: a file of each object, and kustomization.yaml')
    .addHelpText('after', installHelp)
    .action(async (_: unknown, own: Command) => {
      const options = own.optsWithGlobals<InstallOptions>();
      if (options.print === true || options.outputDir !== undefined) {
        const { printInstallation } = await import('../installation/print-installation.ts');
        return printInstallation(options, env);
      }
      const { runInstall } = await import('../installation/run-install.ts');
      return runInstall(options, env, false);
    });
}

/** `upgrade`: what is installed, to this version or to other settings. */
export function registerUpgrade(program: Command, env: CliEnv): void {
  const command = program
    .command('upgrade')
    .description('bring the Clover of a cluster to the version of cloverctl');
  addInstallOptions(command)
    .option('--force', 'back to an older version, or over more than one minor version')
    .addHelpText('after', installHelp)
    .action(async (_: unknown, own: Command) => {
      const { runInstall } = await import('../installation/run-install.ts');
      return runInstall(own.optsWithGlobals<InstallOptions>(), env, true);
    });
}

const installHelp = `
Settings are those of docs/install.md. What was said at an earlier install or upgrade stays until it is said anew.
With Knative Serving and Eventing in the cluster the functions are Knative Services, else one Deployment.`;

function addInstallOptions(command: Command): Command {
  addClusterOptions(command)
    .addOption(new Option('-f, --filename <file>', 'settings, as YAML or JSON; -: stdin'))
    .addOption(new Option('--set <name=value>', 'one setting; may be repeated').argParser(parseSet))
    .option('--image-registry <prefix>', 'where images are; the same as --set registry=PREFIX')
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--force-conflicts', 'take fields of objects that others manage')
    .addOption(
      durationOption('--timeout <duration>', 'longest wait, for example 90s', {
        least: '0s',
        most: '24h',
        standard: '5m',
      }),
    );
  return addSwitch(command, '--wait', 'until all of it is ready');
}
