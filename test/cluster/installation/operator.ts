import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCli, type CliResult } from '../../cloverctl/run-cli.ts';
import { cloverNamespace } from './prepare.ts';
import type { Stage } from './stage.ts';

/** A person who may change everything, and asks the API from outside of the cluster. */
export interface Operator {
  readonly cloverctl: (...args: readonly string[]) => Promise<CliResult>;
}

const namespace = 'clover-people';

/** Makes one, as docs/install.md says under "The API from outside"; where that forwards a port, this machine reaches the Service. */
export async function operatorOf({ tier }: Pick<Stage, 'tier'>): Promise<Operator> {
  const account = ['operator', '-n', namespace];
  await tier.kubectl(['create', 'namespace', namespace]);
  await tier.kubectl(['create', 'serviceaccount', ...account]);
  const role = ['--clusterrole=edit', `--serviceaccount=${namespace}:operator`];
  await tier.kubectl(['create', 'clusterrolebinding', 'clover-operator', ...role]);
  const home = join(tier.folder, 'operator');
  await mkdir(home, { mode: 0o700 });
  const file = join(home, 'token');
  const token = await tier.kubectl(['create', 'token', ...account, '--duration=8h']);
  await writeFile(file, token, { mode: 0o600 });
  const url = await internalUrl(tier);
  const cloverctl = (...args: readonly string[]): Promise<CliResult> =>
    runCli(args, { variables: { CLOVER_HOME: home } });
  const host = ['--host', `api.${cloverNamespace}.svc.cluster.local`];
  const context = ['set-context', 'cluster', '--url', url, ...host, '--token-file', file];
  for (const args of [context, ['use-context', 'cluster']]) {
    const { code, stderr } = await cloverctl('config', ...args);
    if (code !== 0) throw new Error(stderr);
  }
  return { cloverctl };
}

/** Where the network layer answers for Services that only the cluster reaches. */
export async function internalUrl({ kubectl }: Pick<Stage['tier'], 'kubectl'>): Promise<string> {
  const service = ['service/clover-ingress-internal', '-n', 'clover-ingress'];
  const address = 'http://{.spec.clusterIP}:{.spec.ports[0].port}';
  return (await kubectl(['get', ...service, '-o', `jsonpath=${address}`])).trim();
}
