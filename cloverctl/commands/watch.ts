import type { Command } from 'commander';
import type { ResourceEvent } from '../../functions/resources/store.ts';
import type { KindInfo } from '../../knative/resources/kinds.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { kindByName, qualifiedName } from '../kind-names.ts';
import { columnsOf } from '../output/columns.ts';
import { formatOf, outputOption, writeLines, type OutputOptions } from '../output/print.ts';
import { growingTable, type Column } from '../output/table.ts';

/** Options of a command that follows objects. */
export interface FollowOptions extends OutputOptions {
  readonly namespace: string;
  readonly allNamespaces?: boolean;
}

/** `watch`: what there is, and then every change, until it is interrupted. */
export function registerWatch(program: Command, env: CliEnv): void {
  program
    .command('watch')
    .description('follow objects; with -o json one JSON document per line')
    .argument('<kind>', 'for example experiments or exp')
    .argument('[name]')
    .option('-n, --namespace <name>', 'namespace', 'default')
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(outputOption(['table', 'wide', 'json', 'name']))
    .action(async (kind: string, name: string | undefined, _: unknown, command: Command) => {
      await follow(kindByName(kind), name, command.optsWithGlobals<FollowOptions>(), env);
    });
}

/** Writes every event of a kind, or of one object, until the environment's signal aborts. */
export async function follow(
  info: KindInfo,
  name: string | undefined,
  options: FollowOptions,
  env: CliEnv,
): Promise<void> {
  const client = await connect(options, env);
  const namespace =
    options.allNamespaces === true && name === undefined ? undefined : options.namespace;
  const show = writer(info, options, env);
  const { signal } = env;
  for await (const event of client.watch(info.kind, { namespace, name, signal })) {
    writeLines(env, show(event));
  }
}

function writer(
  info: KindInfo,
  options: FollowOptions,
  env: CliEnv,
): (event: ResourceEvent) => string[] {
  const format = formatOf(options);
  if (format === 'json') return (event) => [JSON.stringify(event)];
  if (format === 'name') {
    return ({ type, object }) => [`${type} ${qualifiedName(info, object.metadata.name)}`];
  }
  const columns = columnsOf(info.kind, {
    wide: format === 'wide',
    namespaces: options.allNamespaces === true,
    now: () => env.clock.now(),
  });
  return growingTable<ResourceEvent>([
    { head: 'EVENT', cell: ({ type }) => type },
    ...columns.map((column): Column<ResourceEvent> => ({
      head: column.head,
      cell: ({ object }) => column.cell(object),
    })),
  ]);
}
