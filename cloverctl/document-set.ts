import type { Command } from 'commander';
import { CloverError } from '../functions/lib/errors.ts';
import { readManifests, selectManifests, type Manifest } from './documents.ts';
import type { CliEnv } from './env.ts';
import { recursiveOption, selectorOption, type Selector } from './object-options.ts';
import { filenameOption, namespaceOption } from './options.ts';

/** Options that name a set of documents. */
export interface SetOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly selector?: Selector;
  readonly namespace: string;
}

/** A set of documents. */
export interface DocumentSet {
  /** All that were read. */
  readonly given: readonly Manifest[];
  /** Those that the selector leaves. */
  readonly manifests: readonly Manifest[];
}

/** Gives a command the options of {@link SetOptions}. */
export function addSetOptions(command: Command): Command {
  return (
    command
      .usage('-f PATH… [options]')
      // `readSet` says what to do with words that -f is missing before.
      .argument('[words...]', 'none: paths go behind -f')
      .addOption(filenameOption())
      .addOption(recursiveOption())
      .addOption(selectorOption('only documents with these labels: app=web,tier in (a, b),!old'))
      .addOption(namespaceOption('where a document names none'))
  );
}

/**
 * Reads the documents that a command's options name.
 * @param words What stands on the command line beside the options.
 * @throws CloverError CLV_ARGUMENT_INVALID when they name none, or the selector leaves none.
 */
export async function readSet(
  command: Command,
  words: readonly string[],
  env: CliEnv,
): Promise<DocumentSet> {
  const options = command.opts<SetOptions>();
  const name = command.name();
  const refuse = (message: string): CloverError =>
    new CloverError('CLV_ARGUMENT_INVALID', `${name}: ${message}`);
  if (words.length > 0) {
    const path = words.join(' ');
    throw refuse(`found "${path}" without an option; write "cloverctl ${name} -f ${path}"`);
  }
  if (options.filename === undefined) {
    throw refuse(
      `which documents? Name a file, a folder or - for stdin, for example "cloverctl ${name} -f policy.yaml"`,
    );
  }
  const onlyNamespace = command.getOptionValueSource('namespace') === 'cli';
  const given = await readManifests(options.filename, env, { ...options, onlyNamespace });
  const manifests = selectManifests(given, options.selector, env);
  if (manifests.length > 0) return { given, manifests };
  throw refuse(
    `no document has the labels of -l "${options.selector?.text ?? ''}": nothing was done`,
  );
}
