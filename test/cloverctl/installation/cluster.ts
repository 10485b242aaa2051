import { Agent } from 'node:https';
import { z } from 'zod';
import {
  createKubeClient,
  type KubeClient,
} from '../../../functions/resources/kubernetes/client.ts';
import type { ApiTier } from '../../cluster/tiers/api.ts';
import type { CliResult } from '../run-cli.ts';

const groups = z.object({
  groups: z.array(z.object({ preferredVersion: z.object({ groupVersion: z.string() }) })),
});
const resources = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), verbs: z.array(z.string()) })),
});
const list = z.object({
  items: z
    .array(
      z.object({ metadata: z.object({ name: z.string(), namespace: z.string().default('') }) }),
    )
    .nullable(),
});

/** What the cluster makes for itself at any time. */
const passing = new Set(['ComponentStatus', 'Endpoints', 'EndpointSlice', 'Event', 'Lease']);

/** Every object of every kind: `kind namespace/name`, sorted. */
export async function everything(client: KubeClient): Promise<readonly string[]> {
  const get = (path: string): Promise<unknown> => client.call({ method: 'GET', path });
  const found = groups.parse(await get('/apis')).groups;
  const names = new Set<string>();
  for (const version of ['v1', ...found.map((one) => one.preferredVersion.groupVersion)]) {
    const root = version.includes('/') ? `/apis/${version}` : `/api/${version}`;
    for (const { name, kind, verbs } of resources.parse(await get(root)).resources) {
      if (!verbs.includes('list') || name.includes('/') || passing.has(kind)) continue;
      const { items } = list.parse(await get(`${root}/${name}`));
      for (const { metadata } of items ?? []) {
        names.add(`${kind} ${metadata.namespace}/${metadata.name}`);
      }
    }
  }
  return [...names].sort();
}

/** Resolves when controllers have made the accounts and maps of every namespace, as they do at their start. */
export async function settled(client: KubeClient): Promise<void> {
  let last = '';
  for (;;) {
    const now = (await everything(client)).join('\n');
    if (now === last && /ConfigMap kube-node-lease\/kube-root-ca\.crt/.test(now)) return;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const changes = z.object({
  changes: z.array(z.object({ kind: z.string(), name: z.string(), change: z.string() })),
});
/** What JSON output says: `created Namespace clover-system`. */
export const changesOf = ({ stdout }: CliResult): readonly string[] =>
  changes
    .parse(JSON.parse(stdout))
    .changes.map(({ kind, name, change }) => `${change} ${kind} ${name}`);

/** Lines of output, without empty ones. */
export const linesOf = ({ stdout }: CliResult): readonly string[] =>
  stdout.split('\n').filter(Boolean);

/** A client of a service account. */
export async function accountClient(
  client: KubeClient,
  { server, authority }: ApiTier,
  namespace: string,
  name: string,
): Promise<KubeClient> {
  const headers = { authorization: `Bearer ${await accountToken(client, namespace, name)}` };
  const agent = new Agent({ ca: authority, keepAlive: true });
  return createKubeClient({ server: new URL(server), options: async () => ({ headers, agent }) });
}

/** A kubeconfig of a service account. */
export async function accountConfig(
  client: KubeClient,
  { server, authority }: ApiTier,
  namespace: string,
  name: string,
): Promise<string> {
  const data = Buffer.from(authority).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'it',
    contexts: [{ name: 'it', context: { cluster: 'it', user: 'it' } }],
    clusters: [{ name: 'it', cluster: { server, 'certificate-authority-data': data } }],
    users: [{ name: 'it', user: { token: await accountToken(client, namespace, name) } }],
  });
}

/** A token of a service account, as `kubectl create token` makes it. */
export async function accountToken(
  client: KubeClient,
  namespace: string,
  name: string,
  audiences?: readonly string[],
): Promise<string> {
  const answer = await client.call({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: audiences === undefined ? {} : { audiences },
    },
  });
  return z.object({ status: z.object({ token: z.string() }) }).parse(answer).status.token;
}
