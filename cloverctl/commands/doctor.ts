import type { Command } from 'commander';
import type { GlobalOptions } from '../connect.ts';
import type { Finding } from '../doctor/finding.ts';
import type { CliEnv } from '../env.ts';
import { exitCodes } from '../exit-codes.ts';
import {
  addClusterOptions,
  hasKubeconfig,
  type ClusterOptions,
} from '../installation/open-cluster.ts';
import { coloured } from '../output/colour.ts';
import { writeJson, writeLines } from '../output/print.ts';
import { printable } from '../output/text.ts';

interface DoctorOptions extends GlobalOptions, ClusterOptions {
  readonly local?: boolean;
}

const marks: Readonly<Record<Finding['state'], string>> = { bad: '✗', doubtful: '!', good: '✓' };

/** `doctor`: what is well, what is not, and what helps. */
export function registerDoctor(program: Command, env: CliEnv): void {
  const command = program
    .command('doctor')
    .description('tell what keeps Clover from its work, and what helps');
  addClusterOptions(command)
    .option('--local', 'look at this machine, in place of a cluster')
    .addHelpText(
      'after',
      '\nLooks at the cluster of the kubeconfig; where there is none, at this machine, for "up" and "demo".\nExit code 1 when something is bad (✗).',
    )
    .action((_: unknown, own: Command) => run(own.optsWithGlobals<DoctorOptions>(), env));
}

async function run(options: DoctorOptions, env: CliEnv): Promise<void> {
  const isLocal = options.local === true || !hasKubeconfig(options, env);
  const findings = isLocal ? await ofMachine() : await ofCluster(options, env);
  if (findings.some(({ state }) => state === 'bad')) env.fail(exitCodes.failed);
  if (options.json === true) writeJson(env, { of: isLocal ? 'machine' : 'cluster', findings });
  else
    writeLines(
      env,
      findings.flatMap((finding) => linesOf(finding, env)),
    );
}

async function ofMachine(): Promise<readonly Finding[]> {
  const { machineFindings } = await import('../doctor/machine-findings.ts');
  return machineFindings();
}

async function ofCluster(options: DoctorOptions, { clock }: CliEnv): Promise<readonly Finding[]> {
  const { podAsker } = await import('../installation/ask-pod.ts');
  const { openCluster } = await import('../installation/open-cluster.ts');
  const { clusterFindings } = await import('../doctor/cluster-findings.ts');
  const questions = { client: await openCluster(options), ask: podAsker(options), clock };
  return clusterFindings(questions, options.namespace);
}

function linesOf({ check, state, found, fix }: Finding, { colour }: CliEnv): readonly string[] {
  const mark = colour ? coloured(marks[state], state) : marks[state];
  const help = fix === undefined ? [] : [`  ${printable(fix)}`];
  return [`${mark} ${printable(check)}: ${printable(found)}`, ...help];
}
