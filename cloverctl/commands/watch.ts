import type { Command } from 'commander';
import { CloverError } from '../../functions/lib/errors.ts';
import type { AnyResource, KindInfo } from '../../knative/resources/kinds.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { qualifiedName } from '../kind-names.ts';
import { objectNames } from '../object-names.ts';
import { selectorOption } from '../object-options.ts';
import { namespaceOption } from '../options.ts';
import { columnsOf } from '../output/columns.ts';
import { changeWriter } from '../output/changes.ts';
import { chosenForm, formOption } from '../output/forms.ts';
import { eventNames, followEvents } from './get-events.ts';
import type { GetOptions } from './get-objects.ts';

/** Options of a command that follows objects. */
export type FollowOptions = Omit<GetOptions, 'sortBy'>;

/** `watch`: what there is, and then every change, until it is interrupted. */
export function registerWatch(program: Command, env: CliEnv): void {
  program
    .command('watch')
    .description('follow objects; with -o json one JSON document per line')
    .argument('<kind>', 'KIND or KIND/NAME, for example exp, or events')
    .argument('[name]', 'one object alone; not behind KIND/NAME')
    .addOption(namespaceOption())
    .option('-A, --all-namespaces', 'of every namespace')
    .addOption(selectorOption('only objects with these labels, such as app=web,tier!=db'))
    .option('--field-selector <query>', 'only objects with these fields, such as metadata.name=a')
    .addOption(formOption())
    .option('--no-headers', 'tables without their heads')
    .action(async (kind: string, name: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<FollowOptions>();
      if (eventNames.has(kind) && name === undefined) return followEvents(options, env);
      const named = objectNames(name === undefined ? [kind] : [kind, name]);
      const [object, second] = named.objects;
      const info = named.kind ?? object?.info;
      if (info === undefined || second !== undefined) {
        throw new CloverError('CLV_ARGUMENT_INVALID', 'watch: found more than one object');
      }
      return follow(info, object?.name, options, env);
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
  const show = await changeWriter<AnyResource>(env, {
    form: chosenForm(options),
    headers: options.headers,
    nameOf: ({ metadata }) => qualifiedName(info, metadata.name),
    columns: (wide) =>
      columnsOf(info.kind, {
        wide,
        namespaces: options.allNamespaces === true,
        now: () => env.clock.now(),
      }),
  });
  const { signal } = env;
  const { selector, fieldSelector } = options;
  const selection = { name, labelSelector: selector?.text, fieldSelector };
  for await (const event of client.watch(info.kind, { namespace, ...selection, signal })) {
    show(event);
  }
}
