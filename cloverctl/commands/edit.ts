import type { Command } from 'commander';
import type { ApiClient, ApplyResult } from '../../functions/api/client.ts';
import { canonicalJson } from '../../functions/lib/canonical-json.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import { withoutOwned } from '../../functions/resources/owned-fields.ts';
import type { AnyResource } from '../../knative/resources/kinds.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import { parse, type Manifest } from '../documents.ts';
import { runEdit, type Edited } from '../edit-session.ts';
import { runEditor } from '../editor.ts';
import type { CliEnv } from '../env.ts';
import { namespaceOption } from '../options.ts';
import { exitCodes } from '../exit-codes.ts';
import { demandWritable, missing, qualifiedName } from '../kind-names.ts';
import { objectName, type ObjectName } from '../object-names.ts';
import { resultForm, resultOption, writeResult, type ResultOptions } from '../output/results.ts';
import { reportError } from '../report-error.ts';
import { warnings } from '../warnings.ts';

interface EditOptions extends GlobalOptions, ResultOptions {
  readonly namespace: string;
}

const longestRequestMs = 60_000;
const retries = 5;

/** `edit`: opens an object in an editor, and applies what is saved. */
export function registerEdit(program: Command, env: CliEnv): void {
  program
    .command('edit')
    .description('change an object in CLOVER_EDITOR, VISUAL, EDITOR or vi')
    .argument('<object...>', 'KIND NAME or KIND/NAME')
    .addOption(namespaceOption())
    .addOption(resultOption())
    .action(async (words: readonly string[], _: unknown, command: Command) => {
      const target = objectName('edit', words);
      await edit(target, command.optsWithGlobals<EditOptions>(), env);
    });
}

async function edit({ info, name }: ObjectName, options: EditOptions, env: CliEnv): Promise<void> {
  demandWritable(info, name);
  const client = await connect(options, env);
  const object = await client.get(info.kind, options.namespace, name);
  if (object === undefined) throw missing(info, options.namespace, name);
  const { stringify } = await import('yaml');
  env.signal.throwIfAborted();
  // From now on Ctrl-C is the editor's, and no signal may lose what was edited.
  const stop = new AbortController();
  env.hold((signal) => {
    if (signal !== 'SIGINT') stop.abort(new Error(`stopped by ${signal}`));
  });
  try {
    const edited = await runEdit({
      original: stringify(withoutOwned(object)),
      fileName: `${info.singular}-${name}.yaml`,
      open: (path) => runEditor(path, env, stop.signal),
      apply: async (text) => applyEdit(await uninterrupted(options, env), object, text),
      kept: (path) => env.stderr.write(`your edit is kept in ${path}\n`),
    });
    await tell(edited, qualifiedName(info, name), options, env);
  } catch (error) {
    if (stop.signal.aborted) env.fail(exitCodes.stopped);
    reportError(error, env, resultForm(options).kind === 'json');
  }
}

async function applyEdit(
  client: ApiClient,
  object: AnyResource,
  text: string,
): Promise<ApplyResult | undefined> {
  const document = await demandSameObject(text, object);
  if (canonicalJson(document) === canonicalJson(withoutOwned(object))) return undefined;
  let { resourceVersion } = object.metadata;
  for (let left = retries; ; left -= 1) {
    const { uid } = object.metadata;
    const metadata = { ...document.metadata, uid, resourceVersion };
    try {
      return await client.apply({ ...document, metadata }, { manager: 'cloverctl' });
    } catch (error) {
      if (!(error instanceof CloverError && error.code === 'CLV_CONFLICT')) throw error;
      const now = await client.get(object.kind, object.metadata.namespace, object.metadata.name);
      // Clover's own writes, such as a status each second, are no conflict.
      if (left === 0 || now === undefined || !isSameWish(now, object)) throw conflict(object, now);
      ({ resourceVersion } = now.metadata);
    }
  }
}

async function demandSameObject(
  text: string,
  { kind, metadata: { name, namespace } }: AnyResource,
): Promise<Manifest['document']> {
  const manifests = await parse(text, 'the edited text', { namespace });
  const [manifest] = manifests;
  if (manifest === undefined || manifests.length > 1) {
    const message = `the edited text holds ${manifests.length} documents; an edit is of one`;
    throw new CloverError('CLV_ARGUMENT_INVALID', message);
  }
  const { document } = manifest;
  for (const [field, found, wanted] of [
    ['kind', document.kind, kind],
    ['metadata.name', document.metadata.name, name],
    ['metadata.namespace', manifest.namespace, namespace],
  ] as const) {
    if (found === wanted) continue;
    const message = `found "${found}"; an edit keeps "${wanted}": another object is made with "cloverctl apply"`;
    throw new CloverError('CLV_ARGUMENT_INVALID', `${field}: ${message}`, {
      details: [{ field, message }],
    });
  }
  return document;
}

function isSameWish(now: AnyResource, before: AnyResource): boolean {
  return (
    now.metadata.uid === before.metadata.uid &&
    canonicalJson(withoutOwned(now)) === canonicalJson(withoutOwned(before))
  );
}

function conflict({ kind, metadata }: AnyResource, now: AnyResource | undefined): CloverError {
  const what = now === undefined ? 'deleted' : 'changed by somebody else';
  return new CloverError(
    'CLV_CONFLICT',
    `${kind} ${metadata.namespace}/${metadata.name} was ${what} during the edit; nothing was applied: edit it again and take over from the file what you need`,
  );
}

async function tell(
  edited: Edited,
  name: string,
  options: EditOptions,
  env: CliEnv,
): Promise<void> {
  const form = resultForm(options);
  if (typeof edited === 'string') {
    const why = edited === 'empty' ? 'the saved file is empty' : 'no changes made';
    env.stderr.write(`Edit cancelled, ${why}.\n`);
    await writeResult(env, form, { outcome: 'unchanged' });
    return;
  }
  if (form.kind === 'text') {
    env.stdout.write(`${name} ${edited.outcome === 'configured' ? 'edited' : edited.outcome}\n`);
  } else await writeResult(env, form, edited, [name]);
  for (const text of await warnings(await uninterrupted(options, env), edited.object)) {
    env.stderr.write(`warning: ${text}\n`);
  }
}

/** A client for after the editor: a Ctrl-C in it was none for cloverctl. So that no request hangs, there is a limit. */
async function uninterrupted(options: EditOptions, env: CliEnv): Promise<ApiClient> {
  const limit = new AbortController();
  const seconds = longestRequestMs / 1000;
  setTimeout(() => {
    const message = `the control plane did not answer within ${seconds} s`;
    limit.abort(new CloverError('CLV_DEADLINE_EXCEEDED', message));
  }, longestRequestMs).unref();
  return connect(options, { ...env, signal: limit.signal });
}
