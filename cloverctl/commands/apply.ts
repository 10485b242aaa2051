import type { Command } from 'commander';
import { CloverError } from '../../functions/lib/errors.ts';
import { applySet, checkSet, type ApplySettings } from '../apply-set.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import { addSetOptions, readSet, type SetOptions } from '../document-set.ts';
import type { CliEnv } from '../env.ts';
import { addDryRun } from '../object-options.ts';
import { durationOption } from '../options.ts';
import { resultOption } from '../output/results.ts';
import { demandPrunable } from '../prune.ts';

type ApplyOptions = ApplySettings & GlobalOptions & SetOptions;

/** `apply`: creates objects, or replaces their whole spec. */
export function registerApply(program: Command, env: CliEnv): void {
  const command = program
    .command('apply')
    .description('create or change objects from YAML or JSON');
  addSetOptions(command)
    .option(
      '--prune',
      'with -l: delete what an earlier apply made in the namespaces of the documents, and they name no more',
    )
    .option('-A, --all-namespaces', 'with --prune: also in namespaces that no document is of')
    .option('--wait', 'until a policy is programmed or an experiment has ended')
    .addOption(
      durationOption('--timeout <duration>', 'longest wait, for example 90s', {
        least: '0s',
        most: '168h',
        standard: '10m',
      }),
    );
  command.addOption(resultOption());
  addDryRun(command, ['client', 'server', 'none']).action(
    async (words: readonly string[], _: unknown, own: Command) => {
      const options = own.optsWithGlobals<ApplyOptions>();
      if (options.prune === true) demandPrunable(options);
      else if (options.allNamespaces === true) throw withoutPrune();
      const set = await readSet(own, words, env);
      if (options.dryRun === 'client') return checkSet(set.manifests, options, env);
      return applySet(await connect(options, env), set, options, env);
    },
  );
}

function withoutPrune(): CloverError {
  const message =
    'apply: -A goes with --prune; documents name their namespaces themselves, or see -n';
  return new CloverError('CLV_ARGUMENT_INVALID', message);
}
