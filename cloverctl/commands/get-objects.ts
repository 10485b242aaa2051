import type { ApiClient } from '../../functions/api/client.ts';
import type { AnyResource, KindInfo } from '../../knative/resources/kinds.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { missing, qualifiedName } from '../kind-names.ts';
import type { ObjectName } from '../object-names.ts';
import type { Selector } from '../object-options.ts';
import { columnsOf } from '../output/columns.ts';
import { chosenForm, type Form } from '../output/forms.ts';
import { render } from '../output/json-path/render.ts';
import { writeJson, writeLines, writeTable, writeYaml } from '../output/print.ts';
import type { Sorter } from '../output/sort-by.ts';
import { writeText } from '../output/write-text.ts';
import { errorDocument, reportError, type ErrorDocument } from '../report-error.ts';

/** Options that say which objects are read, and how they are shown. */
export interface GetOptions extends GlobalOptions {
  readonly namespace: string;
  readonly allNamespaces?: boolean;
  readonly selector?: Selector;
  readonly fieldSelector?: string;
  readonly output: Form;
  readonly sortBy?: Sorter;
  readonly headers: boolean;
}

/** Kinds that are asked for, and objects of them; without objects, everything of the kinds. */
export interface Asked {
  readonly kinds: readonly KindInfo[];
  readonly objects: readonly ObjectName[];
}

/** What was found: the objects, and what JSON and YAML show: the object, or the list. */
interface Found {
  readonly items: readonly AnyResource[];
  readonly whole: unknown;
}

/** Shows the objects that are asked for. What is missing among several is told after the others. */
export async function getObjects(asked: Asked, options: GetOptions, env: CliEnv): Promise<void> {
  const client = await connect(options, env);
  const sort: Sorter = options.sortBy ?? ((items) => items);
  const found =
    asked.objects.length > 0
      ? await named(client, asked.objects, sort, options, env)
      : await listed(client, asked.kinds, sort, options);
  await print(asked, found, options, env);
}

async function named(
  client: ApiClient,
  objects: readonly ObjectName[],
  sort: Sorter,
  { namespace }: GetOptions,
  env: CliEnv,
): Promise<Found> {
  const items: AnyResource[] = [];
  const errors: ErrorDocument[] = [];
  for (const { info, name } of objects) {
    const object = await client.get(info.kind, namespace, name);
    if (object !== undefined) {
      items.push(object);
      continue;
    }
    const error = missing(info, namespace, name);
    if (objects.length === 1) throw error;
    reportError(error, env, false);
    errors.push(errorDocument(error));
  }
  const sorted = sort(items);
  const whole = {
    ...listOf('List', 'v1', sorted, ''),
    ...(errors.length === 0 ? {} : { errors }),
  };
  return { items: sorted, whole: objects.length === 1 ? sorted[0] : whole };
}

async function listed(
  client: ApiClient,
  kinds: readonly KindInfo[],
  sort: Sorter,
  { allNamespaces, namespace, selector, fieldSelector }: GetOptions,
): Promise<Found> {
  const where = allNamespaces === true ? undefined : namespace;
  const query = { labelSelector: selector?.text, fieldSelector };
  const lists = await Promise.all(kinds.map(({ kind }) => client.list(kind, where, query)));
  const items = sort<AnyResource>(lists.flatMap((list) => list.items));
  const [info, second] = kinds;
  const isOne = info !== undefined && second === undefined;
  const whole = isOne
    ? listOf(`${info.kind}List`, apiVersion, items, lists[0]?.resourceVersion ?? '')
    : listOf('List', 'v1', items, '');
  return { items, whole };
}

const listOf = (
  kind: string,
  version: string,
  items: readonly AnyResource[],
  resourceVersion: string,
): object => ({ apiVersion: version, kind, metadata: { resourceVersion }, items });

async function print(
  { kinds, objects }: Asked,
  { items, whole }: Found,
  options: GetOptions,
  env: CliEnv,
): Promise<void> {
  const form = chosenForm(options);
  if (form.kind === 'json') return writeJson(env, whole);
  if (form.kind === 'yaml') return writeYaml(env, whole);
  if (form.kind === 'jsonpath') return writeText(env, render(form.template, whole));
  if (form.kind === 'name') {
    const infos = new Map(kinds.map((info) => [info.kind, info]));
    return writeLines(
      env,
      items.flatMap(({ kind, metadata }) => {
        const info = infos.get(kind);
        return info === undefined ? [] : [qualifiedName(info, metadata.name)];
      }),
    );
  }
  if (items.length === 0) {
    if (objects.length > 0) return undefined;
    const where = options.allNamespaces === true ? '' : ` in namespace ${options.namespace}`;
    env.stderr.write(`no ${kinds.map(({ plural }) => plural).join(', ')}${where}\n`);
    return undefined;
  }
  const look = { head: options.headers, wide: form.kind === 'wide' };
  if (form.kind === 'custom-columns') return writeTable(env, form.columns, items, look);
  let isFirst = true;
  for (const info of kinds) {
    const rows = items.filter(({ kind }) => kind === info.kind);
    if (rows.length === 0) continue;
    if (!isFirst) env.stdout.write('\n');
    isFirst = false;
    const columns = columnsOf(info.kind, {
      wide: form.kind === 'wide',
      namespaces: options.allNamespaces === true,
      now: () => env.clock.now(),
      ...(kinds.length > 1 ? { named: (name) => qualifiedName(info, name) } : {}),
    });
    writeTable(env, columns, rows, look);
  }
  return undefined;
}
