import type { Command } from 'commander';
import type { KubernetesEvent } from '../../knative/kubernetes-event.ts';
import type { ExperimentRunStatus } from '../../knative/resources/experiment-run.ts';
import type { AnyResource } from '../../knative/resources/kinds.ts';
import type { Condition } from '../../knative/resources/meta.ts';
import { connect, type GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { kindByName, missing } from '../kind-names.ts';
import { writeJson, writeLines } from '../output/print.ts';
import { table } from '../output/table.ts';
import { effectText } from '../../functions/lib/effect-text.ts';
import { printable, timeText } from '../output/text.ts';
import { eventLines } from './get-events.ts';

interface DescribeOptions extends GlobalOptions {
  readonly namespace: string;
}

/** `describe`: one object for people, with conditions, timeline, evidence and intents. */
export function registerDescribe(program: Command, env: CliEnv): void {
  program
    .command('describe')
    .description('tell everything about one object')
    .argument('<kind>', 'for example experimentrun or run')
    .argument('<name>')
    .option('-n, --namespace <name>', 'namespace', 'default')
    .action(async (kind: string, name: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<DescribeOptions>();
      const info = kindByName(kind);
      const client = await connect(options, env);
      const object = await client.get(info.kind, options.namespace, name);
      if (object === undefined) throw missing(info, options.namespace, name);
      const newest = object.kind === 'Experiment' ? object.status.run : undefined;
      const run =
        newest === undefined
          ? undefined
          : await client.get('ExperimentRun', options.namespace, newest);
      const { namespace } = options;
      const events = await client.events({ namespace, kind: info.kind, name });
      if (options.json === true)
        return writeJson(env, { object, ...(run === undefined ? {} : { run }), events });
      const { stringify } = await import('yaml');
      return writeLines(env, describe(object, run?.status, events, stringify).map(printable));
    });
}

function describe(
  object: AnyResource,
  run: ExperimentRunStatus | undefined,
  events: readonly KubernetesEvent[],
  stringify: (value: unknown) => string,
): string[] {
  const { metadata, kind } = object;
  const facts: [string, string][] = [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace],
    ['Kind', kind],
    ['Created', metadata.creationTimestamp],
    ['Generation', String(metadata.generation)],
    ...entries('Label', metadata.labels),
    ...entries('Annotation', metadata.annotations),
  ];
  if (metadata.deletionTimestamp !== undefined) facts.push(['Deleted', metadata.deletionTimestamp]);
  const width = Math.max(...facts.map(([key]) => key.length)) + 1;
  return [
    ...facts.map(([key, value]) => `${`${key}:`.padEnd(width + 1)} ${value}`),
    ...section('Spec', stringify(object.spec).trimEnd().split('\n')),
    ...runSections(object.kind === 'ExperimentRun' ? object.status : run),
    ...section('Conditions', conditionLines(object.status.conditions ?? [])),
    ...section('Events', eventLines(events)),
  ];
}

function runSections(status: ExperimentRunStatus | undefined): string[] {
  if (status === undefined) return [];
  const { evidence, intents = [] } = status;
  const verdict = [status.phase ?? 'Pending', status.verdict, status.reason].filter(Boolean);
  return [
    ...section('Run', [verdict.join(', ')]),
    ...section('Timeline', [
      `started   ${timeText(status.startedAt)}`,
      `judged    ${timeText(status.judgedFrom)}`,
      `verdict   ${timeText(status.verdictAt)}`,
      `ended     ${timeText(status.endedAt)}`,
    ]),
    ...section(
      'Evidence',
      evidence === undefined
        ? []
        : [
            `samples   control ${evidence.samples.control}, variant ${evidence.samples.variant}`,
            `errors    control ${evidence.errors.control}, variant ${evidence.errors.variant}`,
            `stuck     ${evidence.stuck}`,
            `missing   ${evidence.missing}`,
            `window    ${timeText(evidence.window.from)} to ${timeText(evidence.window.to)}`,
            ...evidence.effects.map((effect) => `effect    ${effectText(effect)}`),
          ],
    ),
    ...section(
      'Intents',
      intents.length === 0
        ? []
        : table(
            [
              { head: 'EPOCH', cell: ({ epoch }) => String(epoch), align: 'right' },
              { head: 'VARIANT', cell: ({ variantWeight }) => `${variantWeight}%`, align: 'right' },
              {
                head: 'FAULT',
                cell: ({ fault }) => (fault === undefined ? '-' : JSON.stringify(fault)),
              },
              { head: 'AT', cell: ({ at }) => timeText(at) },
            ],
            intents,
          ),
    ),
  ];
}

function conditionLines(conditions: readonly Condition[]): string[] {
  if (conditions.length === 0) return [];
  return table(
    [
      { head: 'TYPE', cell: ({ type }) => type },
      { head: 'STATUS', cell: ({ status }) => status },
      { head: 'REASON', cell: ({ reason }) => reason },
      { head: 'SINCE', cell: ({ lastTransitionTime }) => lastTransitionTime },
      { head: 'MESSAGE', cell: ({ message }) => message },
    ],
    conditions,
  );
}

function section(title: string, lines: readonly string[]): string[] {
  return [`${title}:`, ...(lines.length === 0 ? ['<none>'] : lines).map((line) => `  ${line}`)];
}

function entries(
  title: string,
  values: Readonly<Record<string, string>> | undefined,
): [string, string][] {
  return Object.entries(values ?? {}).map(([key, value]) => [title, `${key}=${value}`]);
}
