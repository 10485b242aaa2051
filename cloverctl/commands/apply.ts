import type { Command } from 'commander';
import { CloverError } from '../../functions/lib/errors.ts';
import { applySet, checkSet, type ApplySettings } from '../apply-set.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import { readManifests, selectManifests, type Manifest } from '../documents.ts';
import type { CliEnv } from '../env.ts';
import { addDryRun, recursiveOption, selectorOption } from '../object-options.ts';
import { filenameOption, parseDuration } from '../options.ts';
import { demandPrunable } from '../prune.ts';

interface ApplyOptions extends ApplySettings, GlobalOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly namespace: string;
}

/** `apply`: creates objects, or replaces their whole spec. */
export function registerApply(program: Command, env: CliEnv): void {
  const command = program
    .command('apply')
    .description('create or change objects from YAML or JSON')
    .usage('-f PATH… [options]')
    // None is taken: the action says what to do with words that -f is missing before.
    .argument('[words...]')
    .addOption(filenameOption())
    .addOption(recursiveOption())
    .addOption(selectorOption('only documents with these labels: app=web,tier in (a, b),!old'))
    .option('--prune', 'with -l: delete what an earlier apply made, and the documents name no more')
    .option('-n, --namespace <name>', 'where a document names none', 'default')
    .option('--wait', 'until a policy is programmed or an experiment has ended')
    .option('--timeout <duration>', 'longest wait, for example 90s', parseDuration, 600_000);
  addDryRun(command, ['client', 'server', 'none']).action(
    async (words: readonly string[], _: unknown, own: Command) => {
      const options = own.optsWithGlobals<ApplyOptions>();
      const onlyNamespace = own.getOptionValueSource('namespace') === 'cli';
      const given = await readManifests(demandFiles(options, words), env, {
        ...options,
        onlyNamespace,
      });
      const manifests = demandSome(selectManifests(given, options.selector, env), options);
      if (options.dryRun === 'client') return checkSet(manifests, options, env);
      return applySet(await connect(options, env), { given, manifests }, options, env);
    },
  );
}

/** @throws CloverError CLV_ARGUMENT_INVALID when it is not clear what is meant. */
function demandFiles(
  { filename, prune = false, selector, dryRun }: ApplyOptions,
  words: readonly string[],
): readonly string[] {
  if (words.length > 0) {
    const path = words.join(' ');
    throw refuse(`found "${path}" without an option; write "cloverctl apply -f ${path}"`);
  }
  if (filename === undefined) {
    throw refuse(
      'which documents? Name a file, a folder or - for stdin, for example "cloverctl apply -f policy.yaml"',
    );
  }
  if (!prune) return filename;
  demandPrunable(selector);
  if (dryRun !== 'client') return filename;
  throw refuse('--prune needs what is stored, so --dry-run=server');
}

function refuse(message: string): CloverError {
  return new CloverError('CLV_ARGUMENT_INVALID', `apply: ${message}`);
}

/** @throws CloverError CLV_ARGUMENT_INVALID when a selector leaves nothing: then all would be pruned. */
function demandSome(
  manifests: readonly Manifest[],
  { selector, prune = false }: ApplyOptions,
): readonly Manifest[] {
  if (manifests.length > 0) return manifests;
  const message = `no document has the labels of -l "${selector?.text ?? ''}"; nothing was applied${prune ? ' and nothing pruned' : ''}`;
  throw refuse(message);
}
