import type { Command } from 'commander';
import { CloverError } from '../../functions/lib/errors.ts';
import type { GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { addClusterOptions, type ClusterOptions } from '../installation/open-cluster.ts';
import { durationOption } from '../options.ts';
import { writeJson, writeLines } from '../output/print.ts';

interface UninstallOptions extends GlobalOptions, ClusterOptions {
  readonly keepData?: boolean;
  readonly deleteData?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly timeout: number;
}

/** `uninstall`: takes Clover from a cluster. */
export function registerUninstall(program: Command, env: CliEnv): void {
  const command = program
    .command('uninstall')
    .description('remove Clover, and nothing else, from a Kubernetes cluster');
  addClusterOptions(command)
    .option('--keep-data', 'leave objects of Clover’s kinds, their definitions and the databases')
    .option('--delete-data', 'delete them for good: each Experiment takes its traffic back first')
    .option('--force', 'with --keep-data: leave the traffic of runs that have not ended as it is')
    .option('--dry-run', 'show what would be deleted, and delete nothing')
    .addOption(
      durationOption('--timeout <duration>', 'longest wait, for example 90s', {
        least: '1s',
        most: '24h',
        standard: '5m',
      }),
    )
    .addHelpText(
      'after',
      '\nWhile there are objects of Clover’s kinds, or databases on a volume, nothing is removed unless it is said what becomes of them.',
    )
    .action((_: unknown, own: Command) => run(own.optsWithGlobals<UninstallOptions>(), env));
}

async function run(options: UninstallOptions, env: CliEnv): Promise<void> {
  const { openCluster } = await import('../installation/open-cluster.ts');
  const { outcomeDocuments, outcomeTeller } = await import('../installation/tell.ts');
  const { uninstall } = await import('../installation/uninstall.ts');
  const { namespace, keepData, deleteData, timeout: timeoutMs } = options;
  if (keepData === true && deleteData === true) {
    throw new CloverError(
      'CLV_ARGUMENT_INVALID',
      '--keep-data and --delete-data: give one of them',
    );
  }
  const dryRun = options.dryRun === true;
  const isText = options.json !== true;
  const outcomes = await uninstall({
    client: await openCluster(options),
    env,
    namespace,
    data: keepData === true ? 'keep' : deleteData === true ? 'delete' : 'none',
    force: options.force === true,
    dryRun,
    timeoutMs,
    warn: (line) => env.stderr.write(`warning: ${line}\n`),
    done: outcomeTeller(env, { isText, dryRun }),
  });
  if (!isText) {
    writeJson(env, { namespace, dryRun, changes: outcomeDocuments(outcomes ?? []) });
  } else if (outcomes === undefined) {
    writeLines(env, [`There is no Clover in ${namespace}.`]);
  }
}
