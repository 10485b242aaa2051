import test from 'ava';
import { renderInstallation } from '../../../knative/render/render-installation.ts';
import { serviceHost } from '../../../knative/render/service-host.ts';
import { installationOf, type InstallationInput } from './installations.ts';

const tokens = { callers: 'a-token-for-the-tests', agents: 'a-token-for-the-agents' };

const textOf = (changes: Partial<InstallationInput>): string =>
  JSON.stringify(renderInstallation(installationOf(changes), tokens));

test('a Service is called by the domain of its cluster', (t) => {
  t.is(serviceHost(installationOf({}), 'ingest'), 'ingest.clover-system.svc.cluster.local');
});

test('another domain of the cluster is in every place, with Knative and without', (t) => {
  const clusterDomain = 'k8s.example';
  const controlPlane = { istio: true };
  const onKnative = textOf({ clusterDomain, controlPlane });
  t.true(onKnative.includes('http://ingest.clover-system.svc.k8s.example'), 'agents send spans');
  t.true(onKnative.includes('{"name":"CLUSTER_DOMAIN","value":"k8s.example"}'), 'policy');
  const alone = textOf({ clusterDomain, knative: false, controlPlane });
  t.true(alone.includes('http://control-plane.clover-system.svc.k8s.example:7700'), 'agents');
  t.regex(alone, /clusterDomain\\": \\"k8s\.example/, 'the control plane');
  for (const text of [onKnative, alone]) t.false(text.includes('cluster.local'));
});
