import { z } from 'zod';
import { applyObject } from '../../../cloverctl/installation/apply-objects.ts';
import type { KubeCall, KubeClient } from '../../../functions/resources/kubernetes/client.ts';
import { networkLayerObjects } from '../../../knative/render/ingress/objects.ts';
import { networkLayerSchema } from '../../../knative/render/ingress/settings.ts';
import type { KubernetesObject } from '../../../knative/render/kubernetes-object.ts';
import { renderInstallation } from '../../../knative/render/render-installation.ts';
import { makeNamespace, startApi } from '../../cluster/api-of-file.ts';
import { sharedByFile } from '../../cluster/shared-by-file.ts';
import { accountClient } from '../../cloverctl/installation/cluster.ts';
import { installationOf } from './installations.ts';

const rules = z.array(
  z.object({
    apiGroups: z.array(z.string()).default([]),
    resources: z.array(z.string()).default([]),
    resourceNames: z.array(z.string()).default([]),
    verbs: z.array(z.string()),
  }),
);
const role = z.object({ metadata: z.object({ name: z.string() }), rules });
const binding = z.object({
  metadata: z.object({ namespace: z.string().optional() }),
  roleRef: z.object({ kind: z.string(), name: z.string() }),
  subjects: z.tuple([z.object({ namespace: z.string(), name: z.string() })]),
});
const review = z.object({
  status: z.object({ resourceRules: rules, incomplete: z.literal(false).optional() }),
});

/** An account as it is rendered, and its rules by the namespace that they are of; `*`: of all. */
interface Account {
  readonly namespace: string;
  readonly name: string;
  readonly rules: ReadonlyMap<string, readonly string[]>;
}

/** Every object by which an account may do something, of all that Clover can be on a cluster. */
const objects: readonly KubernetesObject[] = [
  ...renderInstallation(
    installationOf({
      networkPolicies: false,
      agent: { metricsPort: 9_465 },
      controlPlane: { istio: true },
    }),
  ),
  ...renderInstallation(
    installationOf({ namespace: 'one-process', knative: false, controlPlane: { istio: true } }),
    { callers: 'token', agents: 'token-of-agents' },
  ),
  ...networkLayerObjects(networkLayerSchema.parse({ version: '1.4.0' })),
].filter(({ apiVersion, kind }) => apiVersion.startsWith('rbac.') || kind === 'ServiceAccount');

const ofKind = (...kinds: readonly string[]) => objects.filter(({ kind }) => kinds.includes(kind));

/** `verb group/resource name`, one for each that a rule allows. */
const actionsOf = (found: z.output<typeof rules>): string[] =>
  found
    .flatMap(({ apiGroups, resources, resourceNames, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.flatMap((verb) =>
            (resourceNames.length === 0 ? ['*'] : resourceNames).map(
              (name) => `${verb} ${group}/${resource} ${name}`,
            ),
          ),
        ),
      ),
    )
    .sort();

function accountOf({ metadata: { namespace = '', name } }: KubernetesObject): Account {
  const own = new Map<string, string[]>();
  for (const object of ofKind('RoleBinding', 'ClusterRoleBinding')) {
    const { metadata, roleRef, subjects } = binding.parse(object);
    if (subjects[0].name !== name || subjects[0].namespace !== namespace) continue;
    const granted = ofKind(roleRef.kind).find(
      (each) =>
        each.metadata.name === roleRef.name && each.metadata.namespace === metadata.namespace,
    );
    const scope = metadata.namespace ?? '*';
    own.set(scope, [...(own.get(scope) ?? []), ...actionsOf(role.parse(granted).rules)]);
  }
  return { namespace, name, rules: own };
}

const accounts = ofKind('ServiceAccount').map(accountOf);

/** What the API server says that one may do in a namespace. */
async function allowedIn(client: KubeClient, namespace: string): Promise<string[]> {
  const answer = await client.call({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace },
    },
  });
  return actionsOf(review.parse(answer).status.resourceRules);
}

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const admin = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' };
const ours = '/apis/clover.dev/v1alpha1/namespaces/default';

/** What no account may do, wherever it is installed: `own` is its namespace, `name` its name. */
const attempts = ({ namespace: own, name }: Account): readonly KubeCall[] => [
  { method: 'GET', path: '/api/v1/secrets' },
  { method: 'GET', path: '/api/v1/namespaces/kube-system/secrets/any' },
  { method: 'GET', path: `/api/v1/namespaces/${own}/secrets/clickhouse` },
  { method: 'POST', path: `/api/v1/namespaces/${own}/pods`, body: {} },
  { method: 'POST', path: `/api/v1/namespaces/${own}/pods/any/exec`, query: { command: 'id' } },
  { method: 'GET', path: `/api/v1/namespaces/${own}/pods/any/log` },
  { method: 'POST', path: `/api/v1/namespaces/${own}/pods/any/ephemeralcontainers`, body: {} },
  { method: 'POST', path: `/api/v1/namespaces/${own}/serviceaccounts/${name}/token`, body: {} },
  {
    method: 'POST',
    path: '/api/v1/namespaces/kube-system/serviceaccounts/default/token',
    body: {},
  },
  { method: 'GET', path: '/api/v1/nodes' },
  { method: 'GET', path: '/api/v1/nodes/any/proxy/pods' },
  { method: 'PATCH', path: '/api/v1/namespaces/kube-system/configmaps/any', body: {} },
  { method: 'DELETE', path: '/api/v1/namespaces/default' },
  { method: 'DELETE', path: '/apis/apps/v1/namespaces/default/deployments/any' },
  { method: 'DELETE', path: `${ours}/experimentruns` },
  {
    method: 'PATCH',
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/any',
    body: {},
  },
  {
    method: 'POST',
    path: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    body: {},
  },
  { method: 'POST', path: `${rbac}/clusterroles`, body: { metadata: { name: 'more' } } },
  { method: 'PATCH', path: `${rbac}/clusterroles/${own}-${name}`, body: { rules: [] } },
  {
    method: 'POST',
    path: `${rbac}/clusterrolebindings`,
    body: {
      metadata: { name: 'more' },
      roleRef: admin,
      subjects: [{ kind: 'ServiceAccount', namespace: own, name }],
    },
  },
  { method: 'POST', path: `${rbac}/namespaces/${own}/rolebindings`, body: {} },
  { method: 'POST', path: '/apis/sources.knative.dev/v1/namespaces/default/pingsources', body: {} },
  { method: 'POST', path: '/apis/eventing.knative.dev/v1/namespaces/default/triggers', body: {} },
  { method: 'POST', path: '/apis/networking.istio.io/v1/namespaces/default/gateways', body: {} },
];

/** What only some may do, by their names. */
const reserved: readonly (readonly [call: KubeCall, ...names: readonly string[]])[] = [
  [
    { method: 'GET', path: '/apis/networking.istio.io/v1/virtualservices' },
    'policy',
    'control-plane',
  ],
  [
    {
      method: 'DELETE',
      path: '/apis/networking.istio.io/v1/namespaces/default/virtualservices/any',
    },
    'policy',
    'control-plane',
  ],
  [
    {
      method: 'PATCH',
      path: '/apis/networking.istio.io/v1alpha3/namespaces/default/envoyfilters/any',
      body: {},
    },
    'policy',
    'control-plane',
  ],
  [
    { method: 'PUT', path: `${ours}/experiments/any/status`, body: {} },
    'evaluate',
    'control-plane',
  ],
  [
    { method: 'PUT', path: `${ours}/trafficpolicies/any/status`, body: {} },
    'policy',
    'control-plane',
  ],
  [{ method: 'DELETE', path: `${ours}/trafficpolicies/any` }, 'api', 'control-plane'],
  [{ method: 'POST', path: `${ours}/experimentruns`, body: {} }, 'evaluate', 'control-plane'],
  [
    { method: 'POST', path: '/apis/events.k8s.io/v1/namespaces/default/events', body: {} },
    'notify',
  ],
  [{ method: 'GET', path: '/api/v1/pods' }, 'agent'],
  [{ method: 'GET', path: '/api/v1/services' }, 'agent', 'clover-ingress'],
  [
    {
      method: 'GET',
      path: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/clover-system-admission',
    },
    'admission',
  ],
  [
    { method: 'POST', path: '/apis/authentication.k8s.io/v1/tokenreviews', body: {} },
    'agent',
    'api',
    'control-plane',
    'ingest',
  ],
  [
    { method: 'POST', path: '/apis/authorization.k8s.io/v1/subjectaccessreviews', body: {} },
    'agent',
    'api',
    'control-plane',
  ],
];

const { serial, started } = await sharedByFile(async (t) => {
  const api = await startApi(t);
  for (const namespace of new Set(accounts.map((account) => account.namespace)))
    await makeNamespace(api.client, namespace);
  for (const object of objects) await applyObject({ client: api.client, force: true }, object);
  return api;
});

serial(
  'every account that is rendered may do what its roles say, and nothing else anywhere',
  async (t) => {
    const { client, tier } = await started;
    t.true(accounts.length >= 10);
    const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'nobody' } };
    await client.call({ method: 'POST', path: '/api/v1/namespaces/default/serviceaccounts', body });
    const nobody = await accountClient(client, tier, 'default', 'nobody');
    const everybodys = new Set(await allowedIn(nobody, 'default'));
    for (const account of accounts) {
      const own = await accountClient(client, tier, account.namespace, account.name);
      for (const namespace of [account.namespace, 'default', 'kube-system']) {
        const allowed = (await allowedIn(own, namespace)).filter((each) => !everybodys.has(each));
        const wanted = ['*', namespace].flatMap((scope) => account.rules.get(scope) ?? []);
        t.deepEqual(
          allowed,
          wanted.toSorted(),
          `${account.namespace}/${account.name} in ${namespace}`,
        );
      }
    }
  },
);

serial('what an account tries beyond that is refused', async (t) => {
  const { client, tier } = await started;
  for (const account of accounts) {
    const own = await accountClient(client, tier, account.namespace, account.name);
    const barred = reserved.flatMap(([call, ...names]) =>
      names.includes(account.name) ? [] : [call],
    );
    for (const call of [...attempts(account), ...barred]) {
      const what = `${account.namespace}/${account.name}: ${call.method} ${call.path}`;
      await t.throwsAsync(own.call(call), { code: 'CLV_KUBERNETES_FORBIDDEN' }, what);
    }
  }
});
