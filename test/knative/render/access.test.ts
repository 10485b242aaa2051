import test from 'ava';
import { accessObjects, type ClusterRole } from '../../../knative/render/access.ts';
import { tickAccess } from '../../../knative/render/tick-access.ts';
import { installationOf } from './installations.ts';

const least = installationOf({});
const onIstio = installationOf({ controlPlane: { istio: true } });

const rolesOf = (installation = onIstio): ClusterRole[] =>
  accessObjects(installation).filter((object) => object.kind === 'ClusterRole');

/** By hand, from what the functions call of their store, and what the store on Kubernetes makes of that. */
const allowed = {
  'clover-system-api': {
    experiments: 'create delete get list patch watch',
    experimentruns: 'get list watch',
    taps: 'create delete get list patch watch',
    trafficpolicies: 'create delete get list patch watch',
    events: 'get list watch',
    tokenreviews: 'create',
    subjectaccessreviews: 'create',
  },
  'clover-system-evaluate': {
    experiments: 'get list patch',
    'experiments/status': 'update',
    experimentruns: 'create delete get list patch',
    'experimentruns/status': 'update',
    taps: 'get list',
    'taps/status': 'update',
    trafficpolicies: 'get',
  },
  'clover-system-ingest': { tokenreviews: 'create' },
  'clover-system-notify': {
    experiments: 'get',
    experimentruns: 'get',
    trafficpolicies: 'get',
    events: 'create get patch',
  },
  'clover-system-policy': {
    experimentruns: 'list',
    trafficpolicies: 'get list',
    'trafficpolicies/status': 'update',
    services: 'get',
    destinationrules: 'create delete list patch update',
    envoyfilters: 'create delete list patch update',
    virtualservices: 'create delete list patch update',
  },
  'clover-system-resource-events': {
    experiments: 'get list watch',
    experimentruns: 'get list watch',
    taps: 'get list watch',
    trafficpolicies: 'get list watch',
  },
};

test('nobody may do more than this, nor less', (t) => {
  const found = rolesOf().map(({ metadata, rules }) => [
    metadata.name,
    Object.fromEntries(
      rules.flatMap(({ resources, verbs }) =>
        resources.map((resource) => [resource, verbs.join(' ')]),
      ),
    ),
  ]);
  t.deepEqual(Object.fromEntries(found), allowed);
});

test('with oidc nobody may do more: keys of the API server are for every account', (t) => {
  t.deepEqual(rolesOf(installationOf({ oidc: true })), rolesOf(least));
});

test('where there is no Istio nobody may write its objects, or read what they are made of', (t) => {
  const foreign = rolesOf(least)
    .filter(({ metadata }) => metadata.name === 'clover-system-policy')
    .flatMap(({ rules }) => rules)
    .filter(({ apiGroups }) => !apiGroups.includes('clover.dev'));
  t.deepEqual(foreign, []);
});

test('who ticks by itself makes PingSources, and reads and deletes its own', (t) => {
  const [role, binding, ...others] = tickAccess(installationOf({}));
  t.like(others[0], {
    metadata: { name: 'policy' },
    rules: [
      { verbs: ['create'] },
      { resourceNames: ['policy-settle'] },
      { resourceNames: ['policy'] },
    ],
  });
  t.is(others.length, 2);
  t.like(role, {
    kind: 'Role',
    metadata: { name: 'evaluate', namespace: 'clover-system' },
    rules: [
      { resources: ['pingsources'], verbs: ['create'] },
      { resources: ['pingsources'], resourceNames: ['evaluate-look'], verbs: ['get', 'delete'] },
      { resources: ['services'], resourceNames: ['evaluate'], verbs: ['get'] },
    ],
  });
  t.like(binding, {
    roleRef: { kind: 'Role', name: 'evaluate' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'clover-system', name: 'evaluate' }],
  });
});

/** Groups that are not ours, by their resources. */
const foreignGroups: Readonly<Record<string, string>> = {
  events: 'events.k8s.io',
  tokenreviews: 'authentication.k8s.io',
  subjectaccessreviews: 'authorization.k8s.io',
  services: '',
  destinationrules: 'networking.istio.io',
  envoyfilters: 'networking.istio.io',
  virtualservices: 'networking.istio.io',
};

test('no role reaches beyond our own group of resources, records, reviews and the objects of a mesh, or has a wildcard', (t) => {
  for (const { rules } of rolesOf()) {
    for (const rule of rules) {
      t.deepEqual(
        rule.apiGroups,
        rule.resources.map((resource) => foreignGroups[resource] ?? 'clover.dev'),
      );
      t.false([...rule.resources, ...rule.verbs].some((word) => word.includes('*')));
    }
  }
});

test('every role is bound to the account of its name, and to no other', (t) => {
  const bindings = accessObjects(least).filter((object) => object.kind === 'ClusterRoleBinding');
  t.deepEqual(
    bindings.map(({ roleRef, subjects }) => [roleRef.name, subjects]),
    Object.keys(allowed).map((role) => [
      role,
      [
        {
          kind: 'ServiceAccount',
          namespace: 'clover-system',
          name: role.replace('clover-system-', ''),
        },
      ],
    ]),
  );
});

test('every function and the source of resource events have an account', (t) => {
  const accounts = accessObjects(installationOf({ pullSecrets: ['mirror'] })).filter(
    (object) => object.kind === 'ServiceAccount',
  );
  t.deepEqual(
    accounts.map(({ metadata }) => metadata.name),
    ['api', 'evaluate', 'ingest', 'notify', 'policy', 'resource-events'],
  );
  for (const { imagePullSecrets } of accounts) {
    t.deepEqual(imagePullSecrets, [{ name: 'mirror' }]);
  }
});

test('two installations in one cluster do not write the same roles', (t) => {
  const names = [least, installationOf({ namespace: 'other' })].flatMap((installation) =>
    rolesOf(installation).map(({ metadata }) => metadata.name),
  );
  t.is(new Set(names).size, 12);
});
