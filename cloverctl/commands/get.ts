import type { Command } from 'commander';
import { CloverError } from '../../functions/lib/errors.ts';
import type { CliEnv } from '../env.ts';
import { kindByName } from '../kind-names.ts';
import { objectNames } from '../object-names.ts';
import { selectorOption } from '../object-options.ts';
import { namespaceOption } from '../options.ts';
import { formOption, sortOption } from '../output/forms.ts';
import { eventNames, followEvents, getEvents } from './get-events.ts';
import { getObjects, type Asked, type GetOptions } from './get-objects.ts';
import { follow } from './watch.ts';

interface GetFlags extends GetOptions {
  readonly watch?: boolean;
}

const templateHelp = `
Templates of -o jsonpath= are those of kubectl, for the object or the list of them:
https://kubernetes.io/docs/reference/kubectl/jsonpath. Here a key in quotes is first looked
for as it stands, as in {.metadata.labels['app.kubernetes.io/name']}, and numbers are compared
by value. Paths of -o custom-columns= and --sort-by may go without braces and first dot.`;

/** `get`: objects as a table, or whole. */
export function registerGet(program: Command, env: CliEnv): void {
  program
    .command('get')
    .description('show objects')
    .argument('<kind>', 'KIND, KIND,KIND or KIND/NAME; for example tp, or events')
    .argument('[names...]', 'only these objects')
    .addOption(namespaceOption())
    .option('-A, --all-namespaces', 'of every namespace')
    .option('-w, --watch', 'go on with every change')
    .addOption(selectorOption('only objects with these labels, such as app=web,tier!=db'))
    .option('--field-selector <query>', 'only objects with these fields, such as metadata.name=a')
    .addOption(formOption())
    .addOption(sortOption())
    .option('--no-headers', 'tables without their heads')
    .addHelpText('after', templateHelp)
    .action(async (kind: string, names: readonly string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GetFlags>();
      if (eventNames.has(kind) && names.length === 0) {
        if (options.watch !== true) return getEvents(options, env);
        demandNoOrder(options);
        return followEvents(options, env);
      }
      const asked = askedOf([kind, ...names]);
      assertFits(asked, options);
      if (options.watch !== true) return getObjects(asked, options, env);
      const [info, second] = asked.kinds;
      if (info === undefined || second !== undefined || asked.objects.length > 1) {
        throw wrong('--watch: found more than one; name one kind, or one object');
      }
      demandNoOrder(options);
      return follow(info, asked.objects[0]?.name, options, env);
    });
}

function askedOf(words: readonly string[]): Asked {
  const [first = '', ...names] = words;
  const plain = first.includes(',') && !first.includes('/') ? first.split(',') : [first];
  if (plain.some((word) => eventNames.has(word))) {
    throw wrong('events are shown alone, and not by name: get events');
  }
  if (plain.length > 1) {
    const kinds = [...new Set(plain.map(kindByName))];
    const objects = kinds.flatMap((info) => objectNames([info.plural, ...names]).objects);
    return { kinds, objects };
  }
  const { kind, objects } = objectNames(words);
  const kinds = kind === undefined ? objects.map(({ info }) => info) : [kind];
  return { kinds: [...new Set(kinds)], objects };
}

function assertFits({ objects }: Asked, options: GetFlags): void {
  if (objects.length === 0) return;
  const given = {
    '--selector': options.selector,
    '--field-selector': options.fieldSelector,
    '--all-namespaces': options.allNamespaces,
  };
  for (const [option, value] of Object.entries(given)) {
    if (value === undefined) continue;
    throw wrong(`${option}: found names, too; give either names or ${option}`);
  }
}

function demandNoOrder({ sortBy }: GetFlags): void {
  if (sortBy !== undefined) throw wrong('--watch: changes come as they are: no --sort-by');
}

const wrong = (message: string): CloverError => new CloverError('CLV_ARGUMENT_INVALID', message);
