import type { Command } from 'commander';
import type { ResourceEvent } from '../../functions/resources/store.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KindInfo } from '../../knative/resources/kinds.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { qualifiedName } from '../kind-names.ts';
import { objectNames } from '../object-names.ts';
import { selectorOption } from '../object-options.ts';
import { namespaceOption } from '../options.ts';
import { columnsOf } from '../output/columns.ts';
import { chosenForm, formOption } from '../output/forms.ts';
import { render } from '../output/json-path/render.ts';
import { lookOf, writeLines } from '../output/print.ts';
import { growingTable, type Column } from '../output/table.ts';
import { writeText } from '../output/write-text.ts';
import type { GetOptions } from './get-objects.ts';

/** Options of a command that follows objects. */
export type FollowOptions = Omit<GetOptions, 'sortBy'>;

/** `watch`: what there is, and then every change, until it is interrupted. */
export function registerWatch(program: Command, env: CliEnv): void {
  program
    .command('watch')
    .description('follow objects; with -o json one JSON document per line')
    .argument('<kind>', 'KIND or KIND/NAME, for example experiments or exp')
    .argument('[name]', 'one object alone; not behind KIND/NAME')
    .addOption(namespaceOption())
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(selectorOption('only objects with these labels, such as app=web,tier!=db'))
    .option('--field-selector <query>', 'only objects with these fields, such as metadata.name=a')
    .addOption(formOption())
    .option('--no-headers', 'tables without their heads')
    .action(async (kind: string, name: string | undefined, _: unknown, command: Command) => {
      const named = objectNames(name === undefined ? [kind] : [kind, name]);
      const [object, second] = named.objects;
      const info = named.kind ?? object?.info;
      if (info === undefined || second !== undefined) {
        throw new CloverError('CLV_ARGUMENT_INVALID', 'watch: found more than one object');
      }
      await follow(info, object?.name, command.optsWithGlobals<FollowOptions>(), env);
    });
}

/** Writes every event of a kind, or of one object, until the environment's signal aborts. */
export async function follow(
  info: KindInfo,
  name: string | undefined,
  options: FollowOptions,
  env: CliEnv,
): Promise<void> {
  if (name !== undefined && options.allNamespaces === true) {
    const message = '--all-namespaces: found a name, too; give either a name or --all-namespaces';
    throw new CloverError('CLV_ARGUMENT_INVALID', message);
  }
  const client = await connect(options, env);
  const namespace = options.allNamespaces === true ? undefined : options.namespace;
  const show = await writer(info, options, env);
  const { signal } = env;
  const { selector, fieldSelector } = options;
  const selection = { name, labelSelector: selector?.text, fieldSelector };
  for await (const event of client.watch(info.kind, { namespace, ...selection, signal })) {
    show(event);
  }
}

async function writer(
  info: KindInfo,
  options: FollowOptions,
  env: CliEnv,
): Promise<(event: ResourceEvent) => void> {
  const form = chosenForm(options);
  if (form.kind === 'json') return (event) => writeText(env, `${JSON.stringify(event)}\n`);
  if (form.kind === 'yaml') {
    const { stringify } = await import('yaml');
    return ({ object }) => writeText(env, `---\n${stringify(object)}`);
  }
  if (form.kind === 'jsonpath') {
    return ({ object }) => writeText(env, render(form.template, object).replace(/\n?$/, '\n'));
  }
  if (form.kind === 'name') {
    return ({ type, object }) =>
      writeLines(env, [`${type} ${qualifiedName(info, object.metadata.name)}`]);
  }
  const look = lookOf(env, { head: options.headers, wide: form.kind === 'wide' });
  const columns =
    form.kind === 'custom-columns'
      ? form.columns.map(ofObject)
      : [
          { head: 'EVENT', cell: ({ type }: ResourceEvent) => type, whole: true },
          ...columnsOf(info.kind, {
            wide: form.kind === 'wide',
            namespaces: options.allNamespaces === true,
            now: () => env.clock.now(),
          }).map(ofObject),
        ];
  const lines = growingTable<ResourceEvent>(columns, look);
  return (event) => writeLines(env, lines(event));
}

function ofObject(column: Column<ResourceEvent['object']>): Column<ResourceEvent> {
  return { ...column, cell: ({ object }) => column.cell(object) };
}
