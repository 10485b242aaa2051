import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import { createKubernetesGuard } from '../../../functions/resources/kubernetes/kubernetes-guard.ts';
import {
  createKubeClient,
  type KubeClient,
} from '../../../functions/resources/kubernetes/client.ts';
import { createKubernetesStore } from '../../../functions/resources/kubernetes/kubernetes-store.ts';
import { accessObjects } from '../../../knative/render/access.ts';
import type { KubernetesObject } from '../../../knative/render/kubernetes-object.ts';
import { userRoles } from '../../../knative/render/user-roles.ts';
import { apiOfFile, makeNamespace, type ApiOfFile } from '../../cluster/api-of-file.ts';
import { runCli } from '../../cloverctl/run-cli.ts';
import { installationOf } from '../../knative/render/installations.ts';
import { silent, until } from '../host/helpers.ts';
import { examples } from '../resources/examples.ts';
import { startGuarded } from './guarded.ts';

const apiTest = await apiOfFile();

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const folders: Readonly<Record<string, string>> = {
  ServiceAccount: '/api/v1/namespaces/clover-system/serviceaccounts',
  ClusterRole: `${rbac}/clusterroles`,
  ClusterRoleBinding: `${rbac}/clusterrolebindings`,
};

async function apply(
  client: KubeClient,
  folder: string,
  object: Pick<KubernetesObject, 'apiVersion' | 'kind'> & { metadata: { name: string } },
): Promise<void> {
  await client.call({
    method: 'PATCH',
    path: `${folder}/${object.metadata.name}`,
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager: 'test', fieldValidation: 'Strict', force: 'true' },
    body: object,
  });
}

const tokenAnswer = z.object({ status: z.object({ token: z.string() }) });

/** A token of an account, as `kubectl create token` makes it. */
async function tokenOf(
  client: KubeClient,
  namespace: string,
  account: string,
  audiences?: readonly string[],
): Promise<string> {
  const answer = await client.call({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: audiences === undefined ? {} : { audiences },
    },
  });
  return tokenAnswer.parse(answer).status.token;
}

/** A user of the namespace `shop`, who has this role of every cluster there. */
async function userWith(client: KubeClient, name: string, role?: string): Promise<string> {
  const metadata = { name };
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  await apply(client, '/api/v1/namespaces/shop/serviceaccounts', account);
  if (role !== undefined) {
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name }],
    };
    await apply(client, `${rbac}/namespaces/shop/rolebindings`, binding);
  }
  return tokenOf(client, 'shop', name);
}

/** The API with the rights that `api` has on Knative, in a cluster where Clover is installed. */
async function installed(t: ExecutionContext, { tier, client, connection }: ApiOfFile) {
  const installation = installationOf({});
  for (const name of ['shop', 'clover-system']) await makeNamespace(client, name);
  for (const object of [...accessObjects(installation), ...userRoles(installation)]) {
    await apply(client, folders[object.kind] ?? '', object);
  }
  const authorization = `Bearer ${await tokenOf(client, 'clover-system', 'api')}`;
  const { agent } = await connection.options();
  const asApi = createKubeClient({
    server: connection.server,
    options: async () => ({ agent, ca: tier.authority, headers: { authorization } }),
  });
  const resources = createKubernetesStore(asApi);
  const guard = createKubernetesGuard(asApi, { log: silent });
  return startGuarded(t, { guard, resources });
}

const root = '/apis/clover.dev/v1alpha1';
const taps = `${root}/namespaces/shop/taps`;

apiTest('who calls is asked of the cluster, and so is what they may do there', async (t, api) => {
  t.timeout(120_000);
  const { client } = api;
  const url = await installed(t, api);
  const status = async (token: string, path: string, body?: unknown): Promise<number> => {
    const write = { method: 'PUT', body: JSON.stringify(body) };
    const response = await fetch(`${url}${path}`, {
      ...(body !== undefined && write),
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
    await response.text();
    return response.status;
  };
  const [viewer, editor, nobody] = await Promise.all([
    userWith(client, 'viewer', 'view'),
    userWith(client, 'editor', 'edit'),
    userWith(client, 'nobody'),
  ]);
  // The cluster puts its roles together some time after their parts are there.
  await until(async () => (await status(viewer, taps)) === 200);
  await until(async () => (await status(editor, `${taps}/web`, examples.Tap)) !== 403);

  t.is(await status(editor, `${taps}/web`, examples.Tap), 200);
  t.is(await status(editor, `${taps}/web`), 200, 'who may edit may view');
  t.is(await status(viewer, `${taps}/web`, examples.Tap), 403);
  t.is(await status(viewer, `${taps}?watch=true&timeoutSeconds=1`), 200);
  t.is(await status(viewer, '/apis/events.k8s.io/v1/namespaces/shop/events'), 200);
  t.is(await status(viewer, `${root}/taps`), 403, 'not of all namespaces');
  t.is(await status(viewer, '/v1/status'), 403, 'it is of all namespaces');
  t.is(await status(nobody, taps), 403);
  t.is(await status(nobody, '/v1/version'), 200, 'as of the API server itself');
  t.is(await status(nobody, '/apis'), 200);
  t.is(await status('none-of-this-cluster', taps), 401);
  const elsewhere = await tokenOf(client, 'shop', 'editor', ['https://elsewhere.example']);
  t.is(await status(elsewhere, taps), 401, 'a token for someone else');

  const listed = await runCli(['get', 'taps', '-n', 'shop', '--server', url, '--token', viewer]);
  t.is(listed.code, 0, listed.stderr);
  t.regex(listed.stdout, /web/);
  const refused = await runCli(['get', 'taps', '-n', 'shop', '--server', url, '--token', nobody]);
  t.not(refused.code, 0);
  t.regex(
    refused.stderr,
    /system:serviceaccount:shop:nobody may not list taps\.clover\.dev -n shop/,
  );
});
