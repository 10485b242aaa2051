import type { Command } from 'commander';
import type { ApiClient } from '../../functions/api/client.ts';
import { kindInfo } from '../../functions/resources/kind-info.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import type { AnyResource, Kind, KindInfo } from '../../knative/resources/kinds.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import { readManifests, selectManifests } from '../documents.ts';
import type { CliEnv } from '../env.ts';
import { demandWritable, qualifiedName } from '../kind-names.ts';
import { objectNames, type NamedObjects } from '../object-names.ts';
import {
  addDryRun,
  addSwitch,
  recursiveOption,
  selectorOption,
  type DryRun,
  type Selector,
} from '../object-options.ts';
import { durationOption, filenameOption, namespaceOption } from '../options.ts';
import { resultForm, resultOption, writeResult, type ResultOptions } from '../output/results.ts';
import { errorDocument, reportError, type ErrorDocument } from '../report-error.ts';
import { waitUntilGone } from '../wait-gone.ts';

interface DeleteOptions extends GlobalOptions, ResultOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly selector?: Selector;
  readonly all?: boolean;
  readonly namespace: string;
  readonly allNamespaces?: boolean;
  readonly dryRun: DryRun;
  readonly ignoreNotFound?: boolean;
  readonly wait: boolean;
  readonly timeout: number;
}

interface Target {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  /** Of what a selector found: another object of that name is not meant. */
  readonly uid?: string;
}

/** `delete`: by kind and name, by a selector, or everything that a file names. */
export function registerDelete(program: Command, env: CliEnv): void {
  const command = program
    .command('delete')
    .description('delete objects by name, by label or by file')
    .argument('[objects...]', 'KIND NAME…, KIND/NAME…, or KIND with -l or --all')
    .addOption(filenameOption())
    .addOption(recursiveOption())
    .addOption(selectorOption('only objects with these labels: app=web,tier in (a, b),!old'))
    .option('--all', 'every object of the kind')
    .addOption(namespaceOption())
    .option('-A, --all-namespaces', 'with -l or --all: of every namespace')
    .option('--ignore-not-found', 'what is not there is no error')
    .addOption(resultOption());
  addDryRun(command, ['server', 'none']);
  addSwitch(command, '--wait', 'until finalizers have let go; --wait=false does not')
    .addOption(
      durationOption('--timeout <duration>', 'longest wait, for example 90s', {
        least: '0s',
        most: '168h',
        standard: '10m',
      }),
    )
    .action(async (words: readonly string[], _: unknown, own: Command) => {
      const options = own.optsWithGlobals<DeleteOptions>();
      const named = objectNames(words);
      demandSense(named, options);
      if (named.kind !== undefined) demandWritable(named.kind, named.objects[0]?.name);
      for (const { info, name } of named.objects) demandWritable(info, name);
      const client = await connect(options, env);
      const onlyNamespace = own.getOptionValueSource('namespace') === 'cli';
      const found = await targets(client, named, { ...options, onlyNamespace }, env);
      await remove(client, found, options, env);
    });
}

/** @throws CloverError CLV_ARGUMENT_INVALID when it is not clear which objects are meant. */
function demandSense(named: NamedObjects, options: DeleteOptions): void {
  const problem = problemOf(named, options);
  if (problem !== undefined) throw new CloverError('CLV_ARGUMENT_INVALID', `delete: ${problem}`);
}

function problemOf(
  { kind, objects }: NamedObjects,
  { filename, selector, all = false, allNamespaces = false }: DeleteOptions,
): string | undefined {
  const named = objects.length > 0;
  if (allNamespaces && (named || filename !== undefined)) {
    return '-A goes with KIND and -l or --all; a name is of one namespace, see -n';
  }
  if (filename !== undefined) {
    if (named || kind !== undefined) return 'give either names or -f, not both';
    return all ? '--all goes with a KIND, not with -f' : undefined;
  }
  if (named) {
    return all || selector !== undefined ? 'give names, -l or --all, not two of them' : undefined;
  }
  if (kind === undefined) return 'give KIND NAME, KIND/NAME, KIND with -l or --all, or -f FILE';
  if (all === (selector === undefined)) return undefined;
  return all
    ? 'give either --all or -l, not both'
    : `which ${kind.singular}? Give a name, -l LABELS or --all`;
}

async function targets(
  client: ApiClient,
  { kind, objects }: NamedObjects,
  options: DeleteOptions & { readonly onlyNamespace: boolean },
  env: CliEnv,
): Promise<Target[]> {
  const { filename, namespace, selector } = options;
  if (filename !== undefined) {
    const manifests = selectManifests(await readManifests(filename, env, options), selector, env);
    for (const { document } of manifests) {
      demandWritable(kindInfo(document.kind), document.metadata.name);
    }
    return manifests.map(({ document, namespace: own }) => ({
      kind: document.kind,
      name: document.metadata.name,
      namespace: own,
    }));
  }
  if (objects.length > 0 || kind === undefined) {
    return objects.map(({ info, name }) => ({ kind: info.kind, name, namespace }));
  }
  return selected(client, kind, options, env);
}

async function selected(
  client: ApiClient,
  { kind, plural }: KindInfo,
  { namespace, allNamespaces = false, selector }: DeleteOptions,
  env: CliEnv,
): Promise<Target[]> {
  const found: Target[] = [];
  const scope = allNamespaces ? undefined : namespace;
  for await (const { items } of client.pages(kind, scope, { labelSelector: selector?.text })) {
    for (const { metadata } of items) found.push({ kind, ...metadata });
  }
  if (found.length === 0) {
    const where = scope === undefined ? '' : ` in namespace ${scope}`;
    env.stderr.write(`no ${plural}${selector === undefined ? '' : ' of these labels'}${where}\n`);
  }
  return found;
}

async function remove(
  client: ApiClient,
  wanted: readonly Target[],
  options: DeleteOptions,
  env: CliEnv,
): Promise<void> {
  const dryRun = options.dryRun !== 'none';
  const form = resultForm(options);
  const items: AnyResource[] = [];
  const errors: ErrorDocument[] = [];
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      env.signal.throwIfAborted();
      if (options.ignoreNotFound === true && isMissing(error)) return;
      reportError(error, env, false);
      errors.push(errorDocument(error));
    }
  };
  for (const { kind, namespace, name, uid } of wanted) {
    await attempt(async () => {
      const only = uid === undefined ? {} : { uid };
      const object = await client.delete(kind, namespace, name, { dryRun, ...only });
      items.push(object);
      if (form.kind === 'text') tell(object, dryRun, env);
    });
  }
  const deadline = env.clock.now() + options.timeout;
  for (const object of options.wait && !dryRun ? items.filter(isWaiting) : []) {
    await attempt(async () => {
      await waitUntilGone(client, object, deadline, env);
      if (form.kind === 'text') env.stdout.write(`${nameOf(object)} deleted\n`);
    });
  }
  await writeResult(env, form, { dryRun, items, errors }, items.map(nameOf));
}

function tell(object: AnyResource, dryRun: boolean, env: CliEnv): void {
  const state =
    isWaiting(object) && !dryRun
      ? `is being deleted, waits for ${(object.metadata.finalizers ?? []).join(', ')}`
      : 'deleted';
  env.stdout.write(`${nameOf(object)} ${state}${dryRun ? ' (dry run)' : ''}\n`);
}

const nameOf = ({ kind, metadata }: AnyResource): string =>
  qualifiedName(kindInfo(kind), metadata.name);

const isWaiting = ({ metadata }: AnyResource): boolean => (metadata.finalizers ?? []).length > 0;

const isMissing = (error: unknown): boolean =>
  error instanceof CloverError && error.code === 'CLV_NOT_FOUND';
