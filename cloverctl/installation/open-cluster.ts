import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { CliEnv } from '../env.ts';
import { namespaceOption } from '../options.ts';

/** Which cluster, and where in it. */
export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly kubeContext?: string;
  readonly namespace: string;
}

/** Options of the commands that speak to a cluster itself. */
export function addClusterOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--kubeconfig <file>', 'the cluster (default: KUBECONFIG, else ~/.kube/config)'),
    )
    .addOption(new Option('--kube-context <name>', 'context in it (default: the current one)'))
    .addOption(namespaceOption('namespace of the installation').default('clover-system'));
}

/** Whether a cluster is named, or is there by default. */
export function hasKubeconfig(
  { kubeconfig }: Pick<ClusterOptions, 'kubeconfig'>,
  { variables }: Pick<CliEnv, 'variables'>,
): boolean {
  const named = kubeconfig ?? variables['KUBECONFIG'] ?? '';
  return named !== '' || existsSync(join(homedir(), '.kube/config'));
}

/** @throws CloverError CLV_CONFIG_INVALID. */
export async function openCluster({
  kubeconfig,
  kubeContext,
}: ClusterOptions): Promise<KubeClient> {
  // Its imports are heavy, and a help does not need them.
  const { createKubeClient } = await import('../../functions/resources/kubernetes/client.ts');
  const { kubeconfigConnection } =
    await import('../../functions/resources/kubernetes/kubeconfig.ts');
  return createKubeClient(await kubeconfigConnection(kubeconfig, kubeContext));
}
