import { CloverError } from '../../functions/lib/errors.ts';
import { eventsApiVersion, type KubernetesEvent } from '../../knative/kubernetes-event.ts';
import { connect } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { formatOf, writeJson, writeLines, writeYaml, type OutputOptions } from '../output/print.ts';
import { table } from '../output/table.ts';

/** The names under which `get` shows event records. */
export const eventNames: ReadonlySet<string> = new Set(['events', 'event', 'ev']);

interface EventsOptions extends OutputOptions {
  readonly namespace: string;
  readonly allNamespaces?: boolean;
  readonly watch?: boolean;
}

/** `get events`: what happened to objects, newest first. */
export async function getEvents(options: EventsOptions, env: CliEnv): Promise<void> {
  if (options.watch === true) {
    throw new CloverError('CLV_ARGUMENT_INVALID', '--watch: event records are not watched');
  }
  const client = await connect(options, env);
  const namespace = options.allNamespaces === true ? undefined : options.namespace;
  const items = await client.events({ namespace });
  const format = formatOf(options);
  const whole = { apiVersion: eventsApiVersion, kind: 'EventList', items };
  if (format === 'json') return writeJson(env, whole);
  if (format === 'yaml') return writeYaml(env, whole);
  if (format === 'name') {
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
  return writeLines(env, eventLines(items));
}

/** Event records as a table. */
export function eventLines(events: readonly KubernetesEvent[]): string[] {
  if (events.length === 0) return [];
  return table(
    [
      { head: 'LAST SEEN', cell: lastSeen },
      { head: 'COUNT', cell: ({ series }) => String(series?.count ?? 1), align: 'right' },
      { head: 'TYPE', cell: ({ type }) => type },
      { head: 'REASON', cell: ({ reason }) => reason },
      {
        head: 'OBJECT',
        cell: ({ regarding }) => `${regarding.kind.toLowerCase()}/${regarding.name}`,
      },
      { head: 'NOTE', cell: ({ note }) => note },
    ],
    events,
  );
}

function lastSeen({ eventTime, series }: KubernetesEvent): string {
  return (series?.lastObservedTime ?? eventTime).replace(/\.\d+Z$/, 'Z');
}
