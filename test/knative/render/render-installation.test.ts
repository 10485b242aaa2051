import test from 'ava';
import fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { customResourceDefinition } from '../../../knative/crd.ts';
import { renderInstallation } from '../../../knative/render/render-installation.ts';
import { toYaml } from '../../../knative/render/yaml.ts';
import { kinds } from '../../../knative/resources/kinds.ts';
import { installationInput, installationOf } from './installations.ts';
import { ofKind, specs, specsOf } from './rendered.ts';

const least = installationOf({ oidc: true });
const tokens = { callers: 'a-token-for-the-tests', agents: 'a-token-for-the-agents' };

function turned<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).toReversed());
}

test('rendered YAML reads back as what was rendered', (t) => {
  fc.assert(
    fc.property(installationInput, (input) => {
      const objects = renderInstallation(installationOf(input), tokens);
      const documents = parseAllDocuments(toYaml(objects));
      t.true(documents.every(({ errors }) => errors.length === 0));
      t.is(documents.length, objects.length);
      for (const [index, document] of documents.entries()) {
        const value: unknown = document.toJS();
        t.deepEqual(value, objects[index]);
      }
    }),
    { numRuns: 25 },
  );
});

test('the same installation gives the same bytes, in whatever order it was written', (t) => {
  fc.assert(
    fc.property(installationInput, (input) => {
      const { images = {}, functions = {}, schedules, ...others } = input;
      const inTurn = installationOf({
        ...turned(others),
        ...(input.images !== undefined && { images: turned(images) }),
        functions: turned(functions),
        ...(schedules !== undefined && { schedules: schedules.toReversed() }),
      });
      t.is(
        toYaml(renderInstallation(inTurn, tokens)),
        toYaml(renderInstallation(installationOf(input), tokens)),
      );
    }),
    { numRuns: 15 },
  );
});

test('no two objects have the same name, and every one is in the installation and says so', (t) => {
  fc.assert(
    fc.property(installationInput, (input) => {
      const installation = installationOf(input);
      const { namespace } = installation;
      const names = new Set<string>();
      const objects = renderInstallation(installation, tokens);
      for (const { apiVersion, kind, metadata } of objects) {
        names.add([apiVersion, kind, metadata.namespace, metadata.name].join(' '));
        t.regex(metadata.name, /^[a-z0-9][-a-z0-9.]{0,252}$/);
        t.is(metadata.labels['app.kubernetes.io/part-of'], 'clover');
        t.is(metadata.labels['app.kubernetes.io/instance'], namespace);
        t.is(metadata.labels['app.kubernetes.io/version'], '1.4.0');
        const isClusterWide = /^(Namespace|CustomResourceDefinition|ClusterRole|Validating)/.test(
          kind,
        );
        t.is(metadata.namespace, isClusterWide ? undefined : namespace, metadata.name);
      }
      t.is(names.size, objects.length);
    }),
    { numRuns: 25 },
  );
});

test('every object that another refers to is there', (t) => {
  const objects = new Set(
    renderInstallation(least).map(({ kind, metadata }) => `${kind} ${metadata.name}`),
  );
  const wanted = [
    ...specsOf(least, specs.service).map(
      ({ spec }) => `ServiceAccount ${spec.template.spec.serviceAccountName}`,
    ),
    ...specsOf(least, specs.trigger).flatMap(({ spec: { broker, subscriber } }) => [
      `Broker ${broker}`,
      `${subscriber.ref.kind} ${subscriber.ref.name}`,
    ]),
    ...specsOf(least, specs.apiServerSource).flatMap(({ spec: { serviceAccountName, sink } }) => [
      `ServiceAccount ${serviceAccountName}`,
      `${sink.ref.kind} ${sink.ref.name}`,
    ]),
    ...specsOf(least, specs.pingSource).map(
      ({ spec: { sink } }) => `${sink.ref.kind} ${sink.ref.name}`,
    ),
    ...specsOf(least, specs.sinkBinding).flatMap(({ spec: { subject, sink } }) => [
      `${subject.kind} ${subject.name}`,
      `${sink.ref.kind} ${sink.ref.name}`,
    ]),
    ...specsOf(least, specs.eventPolicy).flatMap(({ spec: { to, from } }) =>
      [...to, ...from].map(({ ref }) => `${ref.kind} ${ref.name}`),
    ),
  ];
  t.true(wanted.length > 50);
  t.deepEqual(
    [...new Set(wanted)].filter((name) => !objects.has(name)),
    [],
  );
});

test('what others rest on comes before them', (t) => {
  const kindsInOrder = [...new Set(renderInstallation(least).map(({ kind }) => kind))];
  t.deepEqual(kindsInOrder, [
    'Namespace',
    'CustomResourceDefinition',
    'ServiceAccount',
    'ClusterRole',
    'ClusterRoleBinding',
    'Role',
    'RoleBinding',
    'NetworkPolicy',
    'Broker',
    'EventPolicy',
    'SinkBinding',
    'Service',
    'Trigger',
    'ApiServerSource',
    'PingSource',
    'Secret',
    'PodDisruptionBudget',
    'Deployment',
    'ValidatingWebhookConfiguration',
    'ConfigMap',
    'DaemonSet',
  ]);
});

test('agents, which may run already, hear of a broker when what they send is led somewhere from there', (t) => {
  const names = renderInstallation(least).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  t.true(names.indexOf('Broker reports') < names.indexOf('Trigger evaluate-reports'));
  t.true(names.indexOf('Trigger evaluate-reports') < names.indexOf('SinkBinding agent'));
  t.true(names.indexOf('SinkBinding agent') < names.indexOf('DaemonSet agent'));
  t.true(names.indexOf('SinkBinding notify') < names.indexOf('Service notify'));
});

test('the definitions are those that infra/crds is made of', (t) => {
  const definitions = ofKind(least, 'CustomResourceDefinition');
  t.deepEqual(
    definitions.map((definition) => ('spec' in definition ? definition.spec : undefined)),
    kinds.map(({ kind }) => customResourceDefinition(kind).spec),
  );
});

test('the namespace enforces the level of Pod Security that agents need, or that is asked for', (t) => {
  const agent = { enabled: false };
  const levels = [
    least,
    installationOf({ agent }),
    installationOf({ agent, podSecurity: 'restricted' }),
  ].map(
    (installation) =>
      ofKind(installation, 'Namespace')[0]?.metadata.labels['pod-security.kubernetes.io/enforce'],
  );
  t.deepEqual(levels, ['privileged', undefined, 'restricted']);
});

test('no pod of the installation gets a sidecar of Istio, whatever asks for one', (t) => {
  t.is(ofKind(least, 'Namespace')[0]?.metadata.labels['istio-injection'], 'disabled');
});
