import test from 'ava';
import { completed } from '../../../cloverctl/installation/completed-settings.ts';
import { wholeCluster } from './findings.ts';

const cluster = { ...wholeCluster, istio: undefined };
const controlPlane = { istio: false };

test('no Tap traces what carries spans to ingest: Knative, and the gateways of its network layer', (t) => {
  const untapped = ['knative-eventing', 'knative-serving', 'istio-ingress'];
  t.deepEqual(completed({}, cluster), { knative: true, controlPlane, agent: { untapped } });
});

test('what an owner says stands, and what cannot be told is left to the default', (t) => {
  const agent = { untapped: ['edge'] };
  t.deepEqual(completed({ agent }, cluster), { knative: true, controlPlane, agent });
  t.deepEqual(completed({}, { ...cluster, gateways: undefined }), { knative: true, controlPlane });
});

test('Istio is programmed where the cluster has it, unless its owner says otherwise', (t) => {
  t.like(completed({}, wholeCluster), { knative: true, controlPlane: { istio: true } });
  t.like(completed({ controlPlane }, wholeCluster), { knative: true, controlPlane });
});

test('without Knative the process has Istio and a volume if the cluster has', (t) => {
  const without = { ...cluster, serving: undefined, hasDefaultStorage: false };
  t.deepEqual(completed({}, without), {
    knative: false,
    controlPlane: { istio: false, persistent: false },
  });
});
