import type { ApiClient, ApplyResult } from '../functions/api/client.ts';
import { CloverError } from '../functions/lib/errors.ts';
import { admitDocument } from '../functions/resources/admission.ts';
import { kindInfo } from '../functions/resources/kind-info.ts';
import { withoutOwned } from '../functions/resources/owned-fields.ts';
import type { AnyResource } from '../knative/resources/kinds.ts';
import { marked } from './applied-mark.ts';
import type { DocumentSet } from './document-set.ts';
import type { Manifest } from './documents.ts';
import type { CliEnv } from './env.ts';
import { qualifiedName } from './kind-names.ts';
import type { DryRun, Selector } from './object-options.ts';
import { resultForm, writeResult, type ResultForm, type ResultOptions } from './output/results.ts';
import { leftOver } from './prune.ts';
import { errorDocument, reportError, type ErrorDocument } from './report-error.ts';
import { concernsAll, tellUnsent } from './unsent.ts';
import { waitUntilDone } from './wait.ts';
import { warnings } from './warnings.ts';

/** How documents are applied. */
export interface ApplySettings extends ResultOptions {
  readonly dryRun: DryRun;
  readonly wait?: boolean;
  /** Longest wait, in milliseconds. */
  readonly timeout: number;
  /** Delete what an earlier apply made and the documents name no more; with a selector only. */
  readonly prune?: boolean;
  readonly selector?: Selector;
  /** With prune: also in namespaces that no document is of. */
  readonly allNamespaces?: boolean;
}

interface Progress {
  readonly settings: ApplySettings;
  readonly form: ResultForm;
  readonly env: CliEnv;
  readonly errors: (ErrorDocument & { readonly where: string })[];
}

/** Checks documents by the schemas of this cloverctl, without a control plane. */
export async function checkSet(
  manifests: readonly Manifest[],
  settings: ApplySettings,
  env: CliEnv,
): Promise<void> {
  const progress: Progress = { settings, form: resultForm(settings), env, errors: [] };
  const items: { readonly outcome: string; readonly object: Manifest['document'] }[] = [];
  for (const { document, where } of manifests) {
    try {
      const info = kindInfo(document.kind);
      if (!info.writable) {
        const message = `${info.kind} ${document.metadata.name} is of a kind that Clover writes alone: leave it away`;
        throw new CloverError('CLV_RESOURCE_INVALID', message);
      }
      admitDocument(document.kind, withoutOwned(document));
      items.push({ outcome: 'valid', object: document });
      say(progress, document, 'valid (client dry run)');
    } catch (error) {
      note(progress, where, error);
    }
  }
  const { form, errors } = progress;
  const names = items.map(({ object }) => nameOf(object));
  await writeResult(env, form, { dryRun: true, items, errors }, names);
}

/** Applies documents one by one, waits for them, and prunes at last; what fails is told, and keeps all from being pruned. */
export async function applySet(
  client: ApiClient,
  { given, manifests }: DocumentSet,
  settings: ApplySettings,
  env: CliEnv,
): Promise<void> {
  const progress: Progress = { settings, form: resultForm(settings), env, errors: [] };
  const dryRun = settings.dryRun !== 'none';
  const results: ApplyResult[] = [];
  let isStopped = false;
  for (const [index, { document, where }] of manifests.entries()) {
    try {
      const result = await client.apply(marked(document), { manager: 'cloverctl', dryRun });
      say(progress, document, `${result.outcome}${dryRun ? ' (dry run)' : ''}`);
      results.push(result);
    } catch (error) {
      note(progress, where, error);
      isStopped = concernsAll(error);
      if (isStopped) tellUnsent(manifests.length - index - 1, env);
      if (isStopped) break;
    }
  }
  const asked = isStopped ? [] : results;
  for (const { object } of asked) {
    for (const text of await warnings(client, object)) env.stderr.write(`warning: ${text}\n`);
  }
  const objects: AnyResource[] = [];
  for (const { object } of asked) objects.push(await settled(client, object, progress));
  const pruned =
    settings.prune === true && settings.selector !== undefined
      ? await prune(client, { given, manifests, selector: settings.selector }, progress)
      : undefined;
  const items = results.map(({ object, outcome }, index) => ({
    outcome,
    object: objects[index] ?? object,
  }));
  const { errors, form } = progress;
  const whole = { dryRun, items, ...(pruned === undefined ? {} : { pruned }), errors };
  await writeResult(env, form, whole, [...objects, ...(pruned ?? [])].map(nameOf));
}

async function settled(
  client: ApiClient,
  object: AnyResource,
  progress: Progress,
): Promise<AnyResource> {
  const { settings, env } = progress;
  if (settings.wait !== true || settings.dryRun !== 'none') return object;
  try {
    const { object: last, text } = await waitUntilDone(client, object, settings.timeout, env);
    if (text !== '') say(progress, object, text);
    return last;
  } catch (error) {
    note(progress, nameOf(object), error);
    return object;
  }
}

async function prune(
  client: ApiClient,
  { given, manifests, selector }: DocumentSet & { readonly selector: Selector },
  progress: Progress,
): Promise<AnyResource[]> {
  const { env, errors, settings } = progress;
  if (errors.length > 0) {
    env.stderr.write('warning: nothing is pruned, because not all of the set could be applied\n');
    return [];
  }
  const dryRun = settings.dryRun !== 'none';
  const pruned: AnyResource[] = [];
  const { allNamespaces = false } = settings;
  const request = { given, applied: manifests, selector, allNamespaces };
  const left = await leftOver(client, request);
  tellElsewhere(left.elsewhere, env);
  for (const object of left.pruned) {
    const { kind, metadata } = object;
    try {
      const { namespace, name, uid } = metadata;
      pruned.push(await client.delete(kind, namespace, name, { uid, dryRun }));
      say(progress, object, `pruned${dryRun ? ' (dry run)' : ''}`);
    } catch (error) {
      note(progress, nameOf(object), error);
    }
  }
  return pruned;
}

const mostNamed = 3;

/** One warning for each namespace: a large set would hide the others among them. */
function tellElsewhere(objects: readonly AnyResource[], env: CliEnv): void {
  for (const [namespace, some] of Map.groupBy(objects, ({ metadata }) => metadata.namespace)) {
    const more = some.length > mostNamed ? ` and ${some.length - mostNamed} more` : '';
    const names = some.slice(0, mostNamed).map(nameOf).join(', ') + more;
    const [stay, them] = some.length === 1 ? ['stays', 'it'] : ['stay', 'them'];
    env.stderr.write(
      `warning: ${names} ${stay} in namespace ${namespace}, of which there is no document: -A prunes ${them}, too\n`,
    );
  }
}

type Named = Pick<AnyResource, 'kind'> & { readonly metadata: { readonly name: string } };

const nameOf = ({ kind, metadata }: Named): string => qualifiedName(kindInfo(kind), metadata.name);

function say({ form, env }: Progress, object: Named, text: string): void {
  if (form.kind === 'text') env.stdout.write(`${nameOf(object)} ${text}\n`);
}

/** What failed is told and noted, and the others go on; not so after a signal. */
function note({ env, errors }: Progress, where: string, error: unknown): void {
  env.signal.throwIfAborted();
  reportError(error, env, false, `${where}: `);
  errors.push({ where, ...errorDocument(error) });
}
