import type { Command } from 'commander';
import { CloverError } from '../../functions/lib/errors.ts';
import type { AnyResource, KindInfo } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { kindByName, qualifiedName } from '../kind-names.ts';
import { columnsOf } from '../output/columns.ts';
import {
  formatOf,
  outputOption,
  writeJson,
  writeLines,
  writeYaml,
  type OutputOptions,
} from '../output/print.ts';
import { table } from '../output/table.ts';
import { eventNames, getEvents } from './get-events.ts';
import { follow } from './watch.ts';

/** Options that say which objects are read. */
export interface GetOptions extends OutputOptions {
  readonly namespace: string;
  readonly allNamespaces?: boolean;
  readonly watch?: boolean;
}

/** `get`: objects as a table, or whole. */
export function registerGet(program: Command, env: CliEnv): void {
  program
    .command('get')
    .description('show objects')
    .argument('<kind>', 'for example trafficpolicies or tp, or events')
    .argument('[name]')
    .option('-n, --namespace <name>', 'namespace', 'default')
    .option('-A, --all-namespaces', 'of every namespace')
    .option('-w, --watch', 'go on with every change')
    .addOption(outputOption(['table', 'wide', 'yaml', 'json', 'name']))
    .action(async (kind: string, name: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GetOptions>();
      if (name === undefined && eventNames.has(kind)) return getEvents(options, env);
      const info = kindByName(kind);
      return options.watch === true
        ? follow(info, name, options, env)
        : get(info, name, options, env);
    });
}

async function get(
  info: KindInfo,
  name: string | undefined,
  options: GetOptions,
  env: CliEnv,
): Promise<void> {
  const client = await connect(options, env);
  if (name !== undefined) {
    const object = await client.get(info.kind, options.namespace, name);
    if (object === undefined) throw missing(info, options.namespace, name);
    return print(info, [object], object, options, env);
  }
  const namespace = options.allNamespaces === true ? undefined : options.namespace;
  const { items, resourceVersion } = await client.list(info.kind, namespace);
  const list = { apiVersion, kind: `${info.kind}List`, metadata: { resourceVersion }, items };
  return print(info, items, list, options, env);
}

/** @param whole What JSON and YAML show: the object, or the list. */
async function print(
  info: KindInfo,
  items: readonly AnyResource[],
  whole: unknown,
  options: GetOptions,
  env: CliEnv,
): Promise<void> {
  const format = formatOf(options);
  if (format === 'json') return writeJson(env, whole);
  if (format === 'yaml') return writeYaml(env, whole);
  if (format === 'name') {
    return writeLines(
      env,
      items.map(({ metadata }) => qualifiedName(info, metadata.name)),
    );
  }
  if (items.length === 0) {
    const where = options.allNamespaces === true ? '' : ` in namespace ${options.namespace}`;
    env.stderr.write(`no ${info.plural}${where}\n`);
    return undefined;
  }
  const columns = columnsOf(info.kind, {
    wide: format === 'wide',
    namespaces: options.allNamespaces === true,
    now: () => env.clock.now(),
  });
  return writeLines(env, table(columns, items));
}

/** What a missing object is called. */
export function missing({ singular }: KindInfo, namespace: string, name: string): CloverError {
  return new CloverError(
    'CLV_NOT_FOUND',
    `${singular} "${name}" does not exist in namespace ${namespace}`,
  );
}
