import test from 'ava';
import { catalogue } from '../../../knative/catalogue.ts';
import { announcedKinds } from '../../../knative/render/api-server-source.ts';
import type { Installation } from '../../../knative/render/installation.ts';
import { installationOf } from './installations.ts';
import { destination, specs, specsOf } from './rendered.ts';

const least = installationOf({});
const brokerNamed = (name: string) => ({
  ref: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name },
});
test('one source announces the kinds that triggers ask for, whole and from every namespace', (t) => {
  const sources = specsOf(least, specs.apiServerSource).map(({ spec }) => spec);
  t.deepEqual(sources, [
    {
      mode: 'Resource',
      serviceAccountName: 'resource-events',
      namespaceSelector: {},
      resources: ['Experiment', 'ExperimentRun', 'Tap', 'TrafficPolicy'].map((kind) => ({
        apiVersion: 'clover.dev/v1alpha1',
        kind,
      })),
      sink: brokerNamed('clover'),
    },
  ]);
});

test('a kind is announced if any dialect of any trigger names it', (t) => {
  const [trigger] = catalogue.flatMap(({ triggers }) => triggers);
  if (trigger === undefined) {
    t.fail();
    return;
  }
  const nested = { any: [{ exact: { kind: 'Tap' } }] };
  t.deepEqual(announcedKinds([{ ...trigger, filter: {}, filters: [{ all: [nested] }] }]), ['Tap']);
  t.deepEqual(announcedKinds([{ ...trigger, filter: { kind: 'Tap' }, filters: [] }]), ['Tap']);
  // Where there are filters, `filter` does not count.
  t.deepEqual(announcedKinds([{ ...trigger, filter: { kind: 'Tap' }, filters: [nested] }]), [
    'Tap',
  ]);
  t.deepEqual(
    announcedKinds([
      { ...trigger, filter: { kind: 'Tap' }, filters: [{ exact: { kind: 'Experiment' } }] },
    ]),
    ['Experiment'],
  );
  t.deepEqual(announcedKinds([]), []);
});

const linesOf = (installation: Installation) =>
  specsOf(installation, specs.pingSource).map(({ spec }) => spec.schedule);

test('what always ticks does so as often as the installation says, every ten minutes unless it does', (t) => {
  t.deepEqual(linesOf(least), ['*/10 * * * *', '*/10 * * * *']);
  const often = installationOf({ resyncMinutes: 2 });
  t.deepEqual(linesOf(often), ['*/2 * * * *', '*/2 * * * *']);
});

test('every schedule that no function starts itself ticks in its time zone, straight to its function', (t) => {
  const ticking = specsOf(least, specs.pingSource).map(({ object, spec }) => [
    object.metadata.name,
    spec,
  ]);
  t.deepEqual(
    ticking,
    catalogue.flatMap(({ name, schedules }) =>
      schedules
        .filter(({ name: schedule }) => schedule.endsWith('-resync'))
        .map(({ name: schedule, timezone = 'UTC' }) => [
          schedule,
          { schedule: '*/10 * * * *', timezone, sink: destination(name) },
        ]),
    ),
  );
  t.is(ticking.length, 2);
});

const namesOf = (schedules: string[]) =>
  specsOf(installationOf({ schedules }), specs.pingSource).map(
    ({ object }) => object.metadata.name,
  );

test('only the schedules tick that are asked for', (t) => {
  t.deepEqual(namesOf([]), []);
  t.deepEqual(namesOf(['policy-resync', 'evaluate-resync']), ['evaluate-resync', 'policy-resync']);
});

test('agents are bound to the broker of reports, and functions that emit to the other one', (t) => {
  const bindings = specsOf(least, specs.sinkBinding).map(({ spec }) => spec);
  t.deepEqual(bindings, [
    {
      subject: {
        apiVersion: 'serving.knative.dev/v1',
        kind: 'Service',
        namespace: 'clover-system',
        name: 'notify',
      },
      sink: brokerNamed('clover'),
    },
    {
      subject: {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        namespace: 'clover-system',
        name: 'agent',
      },
      sink: brokerNamed('reports'),
    },
  ]);
});

test('what agents send waits for its subscribers; what happened to objects waits for none of them', (t) => {
  const found = specsOf(least, specs.broker).map(({ object: { metadata } }) => [
    metadata.name,
    metadata.annotations,
  ]);
  t.deepEqual(found, [
    ['clover', { 'messaging.knative.dev/async-handler': 'true' }],
    ['reports', undefined],
  ]);
});

test('brokers of another class have the annotation and the configuration of that', (t) => {
  const config = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'kafka',
    namespace: 'knative-eventing',
  };
  const kafka = specsOf(installationOf({ broker: { class: 'Kafka', config } }), specs.broker);
  for (const { object, spec } of kafka) {
    t.is(object.metadata.annotations?.['eventing.knative.dev/broker.class'], 'Kafka');
    t.deepEqual(spec.config, config);
  }
  for (const { object, spec } of specsOf(least, specs.broker)) {
    t.is(object.metadata.annotations?.['eventing.knative.dev/broker.class'], undefined);
    t.is(spec.config, undefined);
  }
});
