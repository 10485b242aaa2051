import { CloverError } from '../../functions/lib/errors.ts';
import { eventsApiVersion, type KubernetesEvent } from '../../knative/kubernetes-event.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { stateTone } from '../output/colour.ts';
import { chosenForm } from '../output/forms.ts';
import { render } from '../output/json-path/render.ts';
import { writeJson, writeLines, writeTable, writeYaml } from '../output/print.ts';
import type { Column } from '../output/table.ts';
import { ago } from '../output/text.ts';
import { writeText } from '../output/write-text.ts';
import type { GetOptions } from './get-objects.ts';

/** The names under which `get` shows event records. */
export const eventNames: ReadonlySet<string> = new Set(['events', 'event', 'ev']);

interface EventsOptions extends GetOptions {
  readonly watch?: boolean;
}

/** `get events`: what happened to objects, newest first. */
export async function getEvents(options: EventsOptions, env: CliEnv): Promise<void> {
  if (options.watch === true) throw refused('--watch: event records are not watched');
  if (options.selector !== undefined) throw refused('--selector: event records have no labels');
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
    return writeLines(
      env,
      items.map(({ metadata }) => `event.events.k8s.io/${metadata.name}`),
    );
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
  const shown = columnsAt(env.clock.now()).filter(({ wide = false }) => isWide || !wide);
  return writeTable(env, shown, items, look);
}

const refused = (message: string): CloverError => new CloverError('CLV_ARGUMENT_INVALID', message);

const columnsAt = (now: number): readonly Column<KubernetesEvent>[] => [
  { head: 'LAST SEEN', cell: (event) => ago(Date.parse(lastSeen(event)), now), whole: true },
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
