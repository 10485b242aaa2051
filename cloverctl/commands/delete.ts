import type { Command } from 'commander';
import { kindInfo } from '../../functions/resources/admission.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import type { AnyResource, Kind } from '../../knative/resources/kinds.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import { readManifests } from '../documents.ts';
import type { CliEnv } from '../env.ts';
import { kindByName, qualifiedName } from '../kind-names.ts';
import { filenameOption } from '../options.ts';
import { writeJson } from '../output/print.ts';
import { errorDocument, reportError, type ErrorDocument } from '../report-error.ts';

interface DeleteOptions extends GlobalOptions {
  readonly filename?: readonly string[];
  readonly namespace: string;
}

interface Target {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

/** `delete`: by kind and name, or everything that a file names. */
export function registerDelete(program: Command, env: CliEnv): void {
  program
    .command('delete')
    .description('delete an object, or the objects that a file names')
    .argument('[kind]', 'for example trafficpolicy or tp')
    .argument('[name]')
    .addOption(filenameOption())
    .option('-n, --namespace <name>', 'namespace', 'default')
    .action(
      async (kind: string | undefined, name: string | undefined, _: unknown, command: Command) => {
        const options = command.optsWithGlobals<DeleteOptions>();
        await remove(await targets(kind, name, options, env), options, env);
      },
    );
}

async function targets(
  kind: string | undefined,
  name: string | undefined,
  { filename, namespace }: DeleteOptions,
  env: CliEnv,
): Promise<Target[]> {
  if (filename !== undefined && kind === undefined) {
    const manifests = await readManifests(filename, env, namespace);
    return manifests.map(({ document: { kind: found, metadata } }) => ({
      kind: found,
      name: metadata.name,
      namespace: metadata.namespace ?? namespace,
    }));
  }
  if (filename === undefined && kind !== undefined && name !== undefined) {
    return [{ kind: kindByName(kind).kind, namespace, name }];
  }
  throw new CloverError('CLV_ARGUMENT_INVALID', 'delete needs either KIND NAME or -f FILE');
}

async function remove(
  wanted: readonly Target[],
  options: DeleteOptions,
  env: CliEnv,
): Promise<void> {
  const client = await connect(options, env);
  const items: AnyResource[] = [];
  const errors: ErrorDocument[] = [];
  for (const { kind, namespace, name } of wanted) {
    try {
      const object = await client.delete(kind, namespace, name);
      items.push(object);
      if (options.json === true) continue;
      const waits = (object.metadata.finalizers ?? []).join(', ');
      const state = waits === '' ? 'deleted' : `is being deleted, waits for ${waits}`;
      env.stdout.write(`${qualifiedName(kindInfo(kind), name)} ${state}\n`);
    } catch (error) {
      reportError(error, env, false);
      errors.push(errorDocument(error));
    }
  }
  if (options.json === true) writeJson(env, { items, errors });
}
