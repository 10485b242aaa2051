import type { Command } from 'commander';
import type { ApiClient } from '../../functions/api/client.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { kindInfo } from '../../functions/resources/kind-info.ts';
import { withoutOwned } from '../../functions/resources/owned-fields.ts';
import { marked } from '../applied-mark.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import { addSetOptions, readSet, type SetOptions } from '../document-set.ts';
import type { Manifest } from '../documents.ts';
import type { CliEnv } from '../env.ts';
import { exitCodeOf, exitCodes } from '../exit-codes.ts';
import { qualifiedName } from '../kind-names.ts';
import { coloured } from '../output/colour.ts';
import { writeLines } from '../output/print.ts';
import { resultForm, resultOption, writeResult, type ResultOptions } from '../output/results.ts';
import { printable } from '../output/text.ts';
import { unifiedDiff } from '../output/unified-diff.ts';
import { errorDocument, reportError, type ErrorDocument } from '../report-error.ts';
import { concernsAll, tellUnsent } from '../unsent.ts';

type DiffOptions = GlobalOptions & ResultOptions & SetOptions;

/** What an apply of one document would change. */
interface Difference {
  readonly object: string;
  readonly namespace: string;
  /** Lines of a unified diff of the YAML; none when nothing would change. */
  readonly lines: readonly string[];
}

/** `diff`: what an apply would change, by the control plane's own dry run. */
export function registerDiff(program: Command, env: CliEnv): void {
  addSetOptions(
    program
      .command('diff')
      .description('show what an apply would change; exit code 1 when there is something'),
  )
    .addOption(resultOption(['json', 'yaml', 'jsonpath=']))
    .action(async (words: readonly string[], _: unknown, own: Command) => {
      const options = own.optsWithGlobals<DiffOptions>();
      try {
        const { manifests } = await readSet(own, words, env);
        await diff(await connect(options, env), manifests, options, env);
      } catch (error) {
        if (!env.signal.aborted) failBy(error, env);
        throw error;
      }
    });
}

/** As with diff and kubectl, 1 says that there are differences and nothing else. The first code stays. */
function failBy(error: unknown, env: CliEnv): void {
  const code = exitCodeOf(error);
  env.fail(code === exitCodes.failed ? exitCodes.notCompared : code);
}

async function diff(
  client: ApiClient,
  manifests: readonly Manifest[],
  options: DiffOptions,
  env: CliEnv,
): Promise<void> {
  const form = resultForm(options);
  const { stringify } = await import('yaml');
  const items: Difference[] = [];
  const errors: (ErrorDocument & { readonly where: string })[] = [];
  for (const [index, manifest] of manifests.entries()) {
    try {
      const difference = await differenceOf(client, manifest, stringify);
      items.push(difference);
      if (form.kind === 'text') tell(difference, env);
    } catch (error) {
      env.signal.throwIfAborted();
      failBy(error, env);
      reportError(error, env, false, `${manifest.where}: `);
      errors.push({ where: manifest.where, ...errorDocument(error) });
      if (!concernsAll(error)) continue;
      tellUnsent(manifests.length - index - 1, env);
      break;
    }
  }
  await writeResult(env, form, { items, errors });
  // After the errors: of several codes the first decides.
  if (items.some(({ lines }) => lines.length > 0)) env.fail(exitCodes.failed);
}

async function differenceOf(
  client: ApiClient,
  { document, namespace }: Manifest,
  yaml: (value: unknown) => string,
): Promise<Difference> {
  const { kind, metadata } = document;
  const info = kindInfo(kind);
  if (!info.writable) {
    const message = `${kind} ${metadata.name} is of a kind that Clover writes alone: leave it away`;
    throw new CloverError('CLV_RESOURCE_INVALID', message);
  }
  const before = await client.get(kind, namespace, metadata.name);
  const after = await client.apply(marked(document), { manager: 'cloverctl', dryRun: true });
  const old = before === undefined ? '' : yaml(withoutOwned(before));
  return {
    object: qualifiedName(info, metadata.name),
    namespace,
    lines: unifiedDiff(old, yaml(withoutOwned(after.object))),
  };
}

function tell({ object, namespace, lines }: Difference, env: CliEnv): void {
  if (lines.length === 0) return;
  const name = `${namespace}/${object}`;
  const head = [`--- stored/${name}`, `+++ applied/${name}`];
  writeLines(
    env,
    [...head, ...lines].map((line) => colourOf(printable(line), env)),
  );
}

function colourOf(line: string, { colour }: CliEnv): string {
  if (!colour || !/^[-+]/.test(line)) return line;
  return coloured(line, line.startsWith('-') ? 'bad' : 'good');
}
