import type { Command } from 'commander';
import type { ApiClient } from '../../functions/api/client.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import type { AnyResource } from '../../knative/resources/kinds.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { missing } from '../kind-names.ts';
import { objectNames, type NamedObjects } from '../object-names.ts';
import { selectorOption, type Selector } from '../object-options.ts';
import { namespaceOption } from '../options.ts';
import { description, type Described } from '../output/description.ts';
import { writeLines } from '../output/print.ts';
import { resultForm, resultOption, writeResult, type ResultOptions } from '../output/results.ts';
import { errorDocument, reportError, type ErrorDocument } from '../report-error.ts';

interface DescribeOptions extends GlobalOptions, ResultOptions {
  readonly namespace: string;
  readonly selector?: Selector;
}

/** Event records that a description shows at most; `get events` shows all. */
const mostEvents = 25;

/** `describe`: objects for people, with conditions, timeline, evidence, intents and events. */
export function registerDescribe(program: Command, env: CliEnv): void {
  program
    .command('describe')
    .description('tell everything about objects')
    .argument('<objects...>', 'KIND NAME…, KIND/NAME…, or KIND for all of a namespace')
    .addOption(selectorOption('with KIND: only objects with these labels, such as app=web'))
    .addOption(namespaceOption())
    .addOption(resultOption(['json', 'yaml', 'jsonpath=']))
    .action(async (words: readonly string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<DescribeOptions>();
      const named = objectNames(words);
      if (named.objects.length > 0 && options.selector !== undefined) {
        throw new CloverError(
          'CLV_ARGUMENT_INVALID',
          'describe: give either names or -l, not both',
        );
      }
      await describe(await connect(options, env), named, options, env);
    });
}

async function describe(
  client: ApiClient,
  named: NamedObjects,
  options: DescribeOptions,
  env: CliEnv,
): Promise<void> {
  const errors: ErrorDocument[] = [];
  const objects = await find(client, named, options, (error) => {
    // Alone it is the whole answer.
    if (named.objects.length === 1) throw error;
    reportError(error, env, false);
    errors.push(errorDocument(error));
  });
  const found: Described[] = [];
  for (const object of objects) found.push(await surroundings(client, object));
  const form = resultForm(options);
  if (form.kind !== 'text') {
    const whole = named.objects.length === 1 ? found[0] : { items: found, errors };
    return writeResult(env, form, whole);
  }
  if (named.kind !== undefined && found.length === 0 && named.objects.length === 0) {
    env.stderr.write(`no ${named.kind.plural} in namespace ${options.namespace}\n`);
  }
  const { stringify: yaml } = await import('yaml');
  const tools = { now: env.clock.now(), yaml, colour: env.colour };
  const lines: string[] = [];
  for (const one of found) {
    if (lines.length > 0) lines.push('', '');
    lines.push(...description(one, tools));
  }
  return writeLines(env, lines);
}

async function find(
  client: ApiClient,
  { kind, objects }: NamedObjects,
  { namespace, selector }: DescribeOptions,
  fail: (error: CloverError) => void,
): Promise<AnyResource[]> {
  const found: AnyResource[] = [];
  for (const { info, name } of objects) {
    const object = await client.get(info.kind, namespace, name);
    if (object === undefined) fail(missing(info, namespace, name));
    else found.push(object);
  }
  if (objects.length > 0 || kind === undefined) return found;
  const query = { labelSelector: selector?.text };
  for await (const { items } of client.pages(kind.kind, namespace, query)) found.push(...items);
  return found;
}

async function surroundings(client: ApiClient, object: AnyResource): Promise<Described> {
  const { kind, metadata } = object;
  const { namespace, name, uid } = metadata;
  const newest = object.kind === 'Experiment' ? object.status.run : undefined;
  const run =
    newest === undefined ? undefined : await client.get('ExperimentRun', namespace, newest);
  // By its uid: what was told of an earlier object of that name is not about this one.
  const events = await client.events({ namespace, kind, name, uid, limit: mostEvents });
  return { object, ...(run === undefined ? {} : { run }), events };
}
