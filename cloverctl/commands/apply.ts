import type { Command } from 'commander';
import type { ApiClient, ApplyResult } from '../../functions/api/client.ts';
import type { AnyResource } from '../../knative/resources/kinds.ts';
import { kindInfo } from '../../functions/resources/admission.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import { readManifests, type Manifest } from '../documents.ts';
import type { CliEnv } from '../env.ts';
import { qualifiedName } from '../kind-names.ts';
import { filenameOption, parseDuration } from '../options.ts';
import { writeJson } from '../output/print.ts';
import { errorDocument, reportError, type ErrorDocument } from '../report-error.ts';
import { waitUntilDone } from '../wait.ts';
import { warnings } from '../warnings.ts';

interface ApplyOptions extends GlobalOptions {
  readonly filename: readonly string[];
  readonly namespace: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly timeout: number;
}

/** `apply`: creates objects, or replaces their whole spec. */
export function registerApply(program: Command, env: CliEnv): void {
  program
    .command('apply')
    .description('create or change objects from YAML or JSON')
    .addOption(filenameOption().makeOptionMandatory())
    .option('-n, --namespace <name>', 'where a document names none', 'default')
    .option('--dry-run', 'let the control plane check, and store nothing')
    .option('--wait', 'until a policy is programmed or an experiment has ended')
    .option('--timeout <duration>', 'longest wait, for example 90s', parseDuration, 600_000)
    .action(async (_: unknown, command: Command) => {
      await apply(command.optsWithGlobals<ApplyOptions>(), env);
    });
}

async function apply(options: ApplyOptions, env: CliEnv): Promise<void> {
  const manifests = await readManifests(options.filename, env, options);
  const client = await connect(options, env);
  const results: ApplyResult[] = [];
  const errors: (ErrorDocument & { readonly where: string })[] = [];
  for (const manifest of manifests) {
    try {
      results.push(await applyOne(client, manifest, options, env));
    } catch (error) {
      reportError(error, env, false, `${manifest.where}: `);
      errors.push({ where: manifest.where, ...errorDocument(error) });
    }
  }
  for (const { object } of results) {
    for (const text of await warnings(client, object)) env.stderr.write(`warning: ${text}\n`);
  }
  const objects: AnyResource[] = [];
  for (const { object } of results) objects.push(await settled(client, object, options, env));
  if (options.json !== true) return;
  const items = results.map(({ outcome }, index) => ({ outcome, object: objects[index] }));
  writeJson(env, { dryRun: options.dryRun === true, items, errors });
}

async function applyOne(
  client: ApiClient,
  { document }: Manifest,
  { dryRun = false, json = false }: ApplyOptions,
  env: CliEnv,
): Promise<ApplyResult> {
  const result = await client.apply(document, { manager: 'cloverctl', dryRun });
  const name = qualifiedName(kindInfo(document.kind), document.metadata.name);
  if (!json) env.stdout.write(`${name} ${result.outcome}${dryRun ? ' (dry run)' : ''}\n`);
  return result;
}

async function settled(
  client: ApiClient,
  object: AnyResource,
  { wait = false, dryRun = false, json = false, timeout }: ApplyOptions,
  env: CliEnv,
): Promise<AnyResource> {
  if (!wait || dryRun) return object;
  try {
    const { object: last, text } = await waitUntilDone(client, object, timeout, env);
    const name = qualifiedName(kindInfo(object.kind), object.metadata.name);
    if (!json && text !== '') env.stdout.write(`${name} ${text}\n`);
    return last;
  } catch (error) {
    reportError(error, env, false);
    return object;
  }
}
