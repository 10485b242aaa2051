import test from 'ava';
import fc from 'fast-check';
import { z } from 'zod';
import { parseHostConfig } from '../../../functions/host/config.ts';
import { accessObjects, type ClusterRole } from '../../../knative/render/access.ts';
import { controlPlaneAccount } from '../../../knative/render/control-plane/access.ts';
import type { KubernetesObject } from '../../../knative/render/kubernetes-object.ts';
import { renderInstallation } from '../../../knative/render/render-installation.ts';
import { installationInput, installationOf, type InstallationInput } from './installations.ts';

const tokens = { callers: 'a-token-for-the-tests', agents: 'a-token-for-the-agents' };

const renderOneProcess = (
  changes: Partial<InstallationInput> = {},
  shown = tokens,
): KubernetesObject[] => renderInstallation(installationOf({ ...changes, knative: false }), shown);

const only = (objects: readonly KubernetesObject[], kind: string, name: string): unknown => {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name === name);
  if (found.length !== 1) throw new Error(`there are ${found.length} of ${kind} ${name}`);
  return found[0];
};

const volume = z.object({
  name: z.string(),
  configMap: z.object({ name: z.string() }).optional(),
  secret: z.object({ secretName: z.string() }).optional(),
  persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
  emptyDir: z.object({ sizeLimit: z.string() }).optional(),
});
const workload = z.object({
  spec: z.object({
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()).default({}),
      }),
      spec: z.object({
        serviceAccountName: z.string(),
        volumes: z.array(volume).default([]),
        containers: z.tuple([
          z.object({
            volumeMounts: z
              .array(z.object({ name: z.string(), mountPath: z.string() }))
              .default([]),
          }),
        ]),
      }),
    }),
  }),
});

const annotations = (objects: readonly KubernetesObject[], kind = 'Deployment') => {
  const name = kind === 'Deployment' ? 'control-plane' : 'agent';
  return workload.parse(only(objects, kind, name)).spec.template.metadata.annotations;
};

const secrets = (objects: readonly KubernetesObject[]) =>
  objects.filter(({ kind }) => kind === 'Secret').map(({ metadata }) => metadata.name);

test('without Knative there is nothing of Knative, and the functions are one Deployment', (t) => {
  fc.assert(
    fc.property(installationInput, (input) => {
      const objects = renderOneProcess(input);
      t.true(objects.every(({ apiVersion }) => !apiVersion.includes('knative.dev')));
      only(objects, 'Deployment', 'control-plane');
      const names = new Set(
        objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`),
      );
      t.is(names.size, objects.length);
      for (const { metadata } of objects) {
        t.is(metadata.labels['app.kubernetes.io/part-of'], 'clover');
      }
    }),
    { numRuns: 20 },
  );
});

test('what pods mount and who they are is there, but for the password of ClickHouse', (t) => {
  fc.assert(
    fc.property(installationInput, (input) => {
      const objects = renderOneProcess(input);
      const own = new Set(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
      const { agent, clickhouse, controlPlane } = installationOf(input);
      own.add(`Secret ${clickhouse.passwordSecret.name}`);
      if (controlPlane.tokenSecret !== undefined)
        own.add(`Secret ${controlPlane.tokenSecret.name}`);
      if (agent.tokenSecret !== undefined) own.add(`Secret ${agent.tokenSecret.name}`);
      for (const object of objects.filter(({ kind }) => /^(Deployment|DaemonSet)$/.test(kind))) {
        const { selector, template } = workload.parse(object).spec;
        const { serviceAccountName, volumes, containers } = template.spec;
        const wanted = [
          `ServiceAccount ${serviceAccountName}`,
          ...volumes.flatMap((one) => [
            ...(one.configMap === undefined ? [] : [`ConfigMap ${one.configMap.name}`]),
            ...(one.secret === undefined ? [] : [`Secret ${one.secret.secretName}`]),
            ...(one.persistentVolumeClaim === undefined
              ? []
              : [`PersistentVolumeClaim ${one.persistentVolumeClaim.claimName}`]),
          ]),
        ];
        t.deepEqual(
          wanted.filter((name) => !own.has(name)),
          [],
        );
        t.deepEqual(
          containers[0].volumeMounts.map(({ name }) => name).sort(),
          volumes.map(({ name }) => name).sort(),
        );
        t.like(template.metadata.labels, selector.matchLabels);
      }
    }),
    { numRuns: 20 },
  );
});

test('the process takes its configuration, which holds no secret', (t) => {
  const { data } = z
    .object({ data: z.record(z.string(), z.string()) })
    .parse(only(renderOneProcess(), 'ConfigMap', 'control-plane'));
  const text = data['host.json'] ?? '';
  for (const token of Object.values(tokens)) t.false(text.includes(token));
  const file = z.looseObject({ clickhouse: z.looseObject({}) }).parse(JSON.parse(text));
  t.deepEqual(
    [file['token'], file['agentToken'], file.clickhouse['password']],
    [
      { file: '/etc/clover/token/token' },
      { file: '/etc/clover/agents/token' },
      { file: '/etc/clover/clickhouse/password' },
    ],
  );
  const { callers: token, agents: agentToken } = tokens;
  const mounted = { ...file, token, agentToken, clickhouse: { ...file.clickhouse, password: 'p' } };
  t.like(parseHostConfig(JSON.stringify(mounted)), {
    listen: { host: '0.0.0.0', port: 7700 },
    resources: { kubernetes: {} },
  });
});

test('on the nodes is the token of agents, and not that of every caller', (t) => {
  fc.assert(
    fc.property(installationInput, (input) => {
      const installation = installationOf({ ...input, knative: false });
      if (!installation.agent.enabled) return;
      const objects = renderInstallation(installation, tokens);
      const ofAgents = installation.agent.tokenSecret ?? { name: 'agent-token', key: 'token' };
      const { volumes } = workload.parse(only(objects, 'DaemonSet', 'agent')).spec.template.spec;
      t.deepEqual(
        volumes.flatMap(({ secret }) => (secret === undefined ? [] : [secret.secretName])),
        [ofAgents.name],
      );
      const { data } = z
        .object({ data: z.record(z.string(), z.string()) })
        .parse(only(objects, 'ConfigMap', 'agent'));
      t.true(data['agent.json']?.includes(`"/etc/clover/token/${ofAgents.key}"`));
    }),
    { numRuns: 20 },
  );
  const secret = z
    .object({ data: z.object({ token: z.string() }) })
    .parse(only(renderOneProcess(), 'Secret', 'agent-token'));
  t.is(Buffer.from(secret.data.token, 'base64').toString(), tokens.agents);
});

test('one Secret for both tokens is refused: a node may read all of what its pods mount', (t) => {
  const one = { name: 'mine', key: 'a' };
  const both = {
    controlPlane: { tokenSecret: one },
    agent: { tokenSecret: { name: 'mine', key: 'b' } },
  };
  t.throws(() => renderOneProcess(both), { message: /agent\W+tokenSecret/ });
  const byDefault = { agent: { tokenSecret: { name: 'control-plane-token', key: 'b' } } };
  t.throws(() => renderOneProcess(byDefault), { message: /agent\W+tokenSecret/ });
});

const telemetryOf = (objects: readonly KubernetesObject[]): unknown => {
  const { data } = z
    .object({ data: z.record(z.string(), z.string()) })
    .parse(only(objects, 'ConfigMap', 'control-plane'));
  return z.looseObject({}).parse(JSON.parse(data['host.json'] ?? ''))['telemetry'];
};

test('the process is told where telemetry goes, if that is said', (t) => {
  const telemetry = { endpoint: 'http://collector.observability:4317', protocol: 'grpc' } as const;
  t.is(telemetryOf(renderOneProcess()), undefined);
  t.deepEqual(telemetryOf(renderOneProcess({ telemetry })), telemetry);
});

test('another configuration makes another pod', (t) => {
  t.deepEqual(annotations(renderOneProcess()), annotations(renderOneProcess()));
  t.notDeepEqual(
    annotations(renderOneProcess()),
    annotations(renderOneProcess({ logLevel: 'warn' })),
  );
});

test('another token makes another pod of the control plane, and none of the agents, who read it again', (t) => {
  for (const other of [
    { ...tokens, callers: 'another-token' },
    { ...tokens, agents: 'another-token' },
  ]) {
    const rotated = renderOneProcess({}, other);
    t.notDeepEqual(annotations(rotated), annotations(renderOneProcess()));
    t.deepEqual(annotations(rotated, 'DaemonSet'), annotations(renderOneProcess(), 'DaemonSet'));
  }
  // What it does not make it does not know.
  const tokenSecret = { name: 'own', key: 'token' };
  const own = { controlPlane: { tokenSecret } };
  t.deepEqual(
    annotations(renderOneProcess(own, { ...tokens, callers: 'another-token' })),
    annotations(renderOneProcess(own)),
  );
});

const rights = (roles: readonly KubernetesObject[]): Set<string> =>
  new Set(
    roles
      .filter((object): object is ClusterRole => object.kind === 'ClusterRole')
      .flatMap(({ rules }) => rules)
      // Records of what happened are a file of its own there.
      .filter(({ apiGroups }) => apiGroups.includes('clover.dev'))
      .flatMap(({ resources, verbs }) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
      ),
  );

const groups = (istio: boolean): ReadonlySet<string> =>
  new Set(
    renderOneProcess({ controlPlane: { istio } })
      .filter((object): object is ClusterRole => object.kind === 'ClusterRole')
      .filter(({ metadata }) => metadata.name.endsWith('-control-plane'))
      .flatMap(({ rules }) => rules.flatMap(({ apiGroups }) => apiGroups)),
  );

test('objects of Istio are written only where the cluster has it', (t) => {
  t.false(groups(false).has('networking.istio.io'));
  t.true(groups(true).has('networking.istio.io'));
});

test('one process may do what all functions and their source of events may, and nothing else', (t) => {
  const control = renderOneProcess().filter(
    ({ metadata }) => metadata.name === 'clover-system-control-plane',
  );
  const functions = rights(accessObjects(installationOf({})));
  // It announces Taps, too: the source of events does not, as no trigger takes them.
  t.deepEqual([...rights(control)].sort(), [...functions].sort());
});

test('one process may ask who calls and what they may do, and writes no record into the cluster', (t) => {
  const { access, others = [] } = controlPlaneAccount(installationOf({ knative: false }));
  t.true(access.length > 0);
  t.deepEqual(
    others.map(({ resource, verbs }) => `${verbs.join()} ${resource}`),
    ['create tokenreviews', 'create subjectaccessreviews'],
  );
});

test('databases are on a volume of their own, or go with the pod', (t) => {
  const kept = renderOneProcess({ controlPlane: { storageClass: 'fast', volumeSize: '2Gi' } });
  t.like(only(kept, 'PersistentVolumeClaim', 'control-plane-data'), {
    spec: { storageClassName: 'fast', resources: { requests: { storage: '2Gi' } } },
  });
  const lost = renderOneProcess({ controlPlane: { persistent: false } });
  t.false(lost.some(({ kind }) => kind === 'PersistentVolumeClaim'));
  const { volumes } = workload.parse(only(lost, 'Deployment', 'control-plane')).spec.template.spec;
  t.deepEqual(volumes.find(({ name }) => name === 'data')?.emptyDir, { sizeLimit: '1Gi' });
});

test('a token that a Secret of the user has is not rendered, and there is none without one', (t) => {
  const made = secrets(renderOneProcess());
  for (const name of ['control-plane-token', 'agent-token']) t.true(made.includes(name), name);
  const tokenSecret = { name: 'mine', key: 'bearer' };
  const ofAgents = { name: 'mine-too', key: 'bearer' };
  t.deepEqual(
    secrets(renderOneProcess({ controlPlane: { tokenSecret }, agent: { tokenSecret: ofAgents } })),
    ['admission-certificate'],
  );
  const bare = installationOf({ knative: false });
  t.throws(() => renderInstallation(bare), { message: /no token/ });
});
