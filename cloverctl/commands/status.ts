import type { Command } from 'commander';
import { connect, namesControlPlane, type GlobalOptions } from '../connect.ts';
import type { CliEnv } from '../env.ts';
import { exitCodes } from '../exit-codes.ts';
import type { InstallationStatus, PartStatus } from '../installation/installation-status.ts';
import {
  addClusterOptions,
  hasKubeconfig,
  type ClusterOptions,
} from '../installation/open-cluster.ts';
import { writeLines, writeTable } from '../output/print.ts';
import { resultForm, resultOption, writeResult, type ResultOptions } from '../output/results.ts';
import type { Column } from '../output/table.ts';

interface StatusOptions extends GlobalOptions, ClusterOptions, ResultOptions {}

/** `status`: what of an installation runs, or the counters of every part of a control plane. */
export function registerStatus(program: Command, env: CliEnv): void {
  const command = program
    .command('status')
    .description('show the counters of a control plane, or what runs of an installation');
  addClusterOptions(command)
    .addOption(resultOption(['json', 'yaml', 'jsonpath=']))
    .addHelpText(
      'after',
      '\nCounters are those of the control plane that is named; where none is, or with --kubeconfig, it looks at the cluster of the\nkubeconfig: the installation, its version, and the pods that run. Exit code 1 when a part of it is not ready.',
    )
    .action((_: unknown, own: Command) => run(own.optsWithGlobals<StatusOptions>(), env));
}

async function run(options: StatusOptions, env: CliEnv): Promise<void> {
  const form = resultForm(options);
  if (await wantsCluster(options, env)) {
    const { openCluster } = await import('../installation/open-cluster.ts');
    const { installationStatus } = await import('../installation/installation-status.ts');
    const found = await installationStatus(await openCluster(options), options.namespace);
    if (found.parts.some(({ ready }) => !ready)) env.fail(exitCodes.failed);
    if (form.kind === 'text') return writeInstallation(env, found);
    return writeResult(env, form, found);
  }
  const status = await (await connect(options, env)).status();
  if (form.kind !== 'text') return writeResult(env, form, status);
  const counters = flatten(status);
  if (counters.length > 0) return writeTable(env, counterColumns, counters);
  env.stderr.write(
    'no counters: on Knative each function sends its own as metrics; what runs is shown with --kubeconfig FILE\n',
  );
}

async function wantsCluster(options: StatusOptions, env: CliEnv): Promise<boolean> {
  if (options.kubeconfig !== undefined || options.kubeContext !== undefined) return true;
  return !(await namesControlPlane(options, env)) && hasKubeconfig(options, env);
}

function writeInstallation(env: CliEnv, found: InstallationStatus): void {
  const { version, namespace, kubernetes, knative, parts } = found;
  const form = knative ? 'functions as Knative Services' : 'all functions in one process';
  writeLines(env, [`Clover ${version} in ${namespace}, on Kubernetes ${kubernetes}: ${form}`]);
  writeTable(env, partColumns, parts);
}

const partColumns: readonly Column<PartStatus>[] = [
  { head: 'PART', cell: ({ name }) => name, whole: true },
  { head: 'KIND', cell: ({ kind }) => kind },
  { head: 'PODS', cell: ({ pods }) => String(pods), align: 'right' },
  {
    head: 'STATE',
    cell: ({ state }) => state,
    tone: (_, { ready }) => (ready ? 'good' : 'bad'),
  },
];

type Counter = readonly [name: string, value: string];

const counterColumns: readonly Column<Counter>[] = [
  { head: 'COUNTER', cell: ([name]) => name, whole: true },
  { head: 'VALUE', cell: ([, value]) => value, align: 'right' },
];

/** Every leaf of a tree with its dotted path. */
function flatten(value: unknown, path = ''): Counter[] {
  if (typeof value !== 'object' || value === null) return [[path, String(value)]];
  const entries: [string, unknown][] = Object.entries(value);
  return entries.flatMap(([key, inner]) => flatten(inner, path === '' ? key : `${path}.${key}`));
}
