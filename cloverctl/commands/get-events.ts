import { CloverError } from '../../functions/lib/errors.ts';
import { eventsApiVersion, type KubernetesEvent } from '../../knative/kubernetes-event.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { stateTone } from '../output/colour.ts';
import { changeWriter } from '../output/changes.ts';
import { chosenForm } from '../output/forms.ts';
import { render } from '../output/json-path/render.ts';
import { writeJson, writeLines, writeTable, writeYaml } from '../output/print.ts';
import type { Column } from '../output/table.ts';
import { ago } from '../output/text.ts';
import { writeText } from '../output/write-text.ts';
import type { GetOptions } from './get-objects.ts';

/** The names under which `get` shows event records. */
export const eventNames: ReadonlySet<string> = new Set(['events', 'event', 'ev']);

/** `get events`: what happened to objects, newest first. */
export async function getEvents(options: GetOptions, env: CliEnv): Promise<void> {
  demandNoLabels(options);
  const client = await connect(options, env);
  const namespace = options.allNamespaces === true ? undefined : options.namespace;
  const found = await client.events({ namespace, fieldSelector: options.fieldSelector });
  const items = options.sortBy === undefined ? found : options.sortBy(found);
  const form = chosenForm(options);
  const whole = { apiVersion: eventsApiVersion, kind: 'EventList', items };
  if (form.kind === 'json') return writeJson(env, whole);
  if (form.kind === 'yaml') return writeYaml(env, whole);
  if (form.kind === 'jsonpath') return writeText(env, render(form.template, whole));
  if (form.kind === 'name') {
    return writeLines(env, items.map(nameOf));
  }
  if (items.length === 0) {
    env.stderr.write(
      namespace === undefined ? 'no events\n' : `no events in namespace ${namespace}\n`,
    );
    return undefined;
  }
  const isWide = form.kind === 'wide';
  const look = { head: options.headers, wide: isWide };
  if (form.kind === 'custom-columns') return writeTable(env, form.columns, items, look);
  return writeTable(env, columnsOf(isWide, env), items, look);
}

/** `get events -w`: the records that `get events` shows, the oldest first, and then every one that is written. */
export async function followEvents(
  options: Omit<GetOptions, 'sortBy'>,
  env: CliEnv,
): Promise<void> {
  demandNoLabels(options);
  const client = await connect(options, env);
  const namespace = options.allNamespaces === true ? undefined : options.namespace;
  const show = await changeWriter<KubernetesEvent>(env, {
    form: chosenForm(options),
    headers: options.headers,
    nameOf,
    columns: (wide) => columnsOf(wide, env),
  });
  const { fieldSelector } = options;
  const { signal } = env;
  for await (const change of client.watchEvents({ namespace, fieldSelector }, { signal })) {
    show(change);
  }
}

function demandNoLabels({ selector }: Pick<GetOptions, 'selector'>): void {
  if (selector === undefined) return;
  throw new CloverError('CLV_ARGUMENT_INVALID', '--selector: event records have no labels');
}

const nameOf = ({ metadata }: KubernetesEvent): string => `event.events.k8s.io/${metadata.name}`;

const columnsOf = (isWide: boolean, { clock }: CliEnv): readonly Column<KubernetesEvent>[] =>
  allColumns(() => clock.now()).filter(({ wide = false }) => isWide || !wide);

const allColumns = (now: () => number): readonly Column<KubernetesEvent>[] => [
  { head: 'LAST SEEN', cell: (event) => ago(Date.parse(lastSeen(event)), now()), whole: true },
  { head: 'TIME', cell: lastSeen, wide: true },
  { head: 'COUNT', cell: ({ series }) => String(series?.count ?? 1), align: 'right', wide: true },
  { head: 'TYPE', cell: ({ type }) => type, tone: stateTone, whole: true },
  { head: 'REASON', cell: ({ reason }) => reason, whole: true },
  {
    head: 'OBJECT',
    cell: ({ regarding }) => `${regarding.kind.toLowerCase()}/${regarding.name}`,
    whole: true,
  },
  { head: 'NOTE', cell: ({ note }) => note },
];

function lastSeen({ eventTime, series }: KubernetesEvent): string {
  return (series?.lastObservedTime ?? eventTime).replace(/\.\d+Z$/, 'Z');
}
