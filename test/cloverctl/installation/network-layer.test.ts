import test from 'ava';
import { gatewayNamespaces } from '../../../cloverctl/installation/network-layer.ts';

/** What is found in a cluster with these ConfigMaps. */
const namespacesWith = (maps: Readonly<Record<string, Readonly<Record<string, string>>>>) =>
  gatewayNamespaces(async (name) => {
    const data = maps[name];
    return data && { metadata: { name }, data };
  });
const classOf = (layer: string) => ({
  'config-network': { 'ingress-class': `${layer}.ingress.networking.knative.dev` },
});

for (const [layer, usual] of [
  ['contour', ['contour-external', 'contour-internal']],
  ['gateway-api', ['istio-system']],
  ['istio', ['istio-system']],
  ['kourier', ['kourier-system']],
  ['clover', []],
] as const) {
  test(`gateways of ${layer} are where it has them unless something else is said`, async (t) => {
    t.deepEqual(await namespacesWith(classOf(layer)), usual);
  });
}

test('gateways of Istio are where config-istio says that they are, in its old form and its new one', async (t) => {
  const gateways = `- name: knative-ingress-gateway
  namespace: knative-serving
  service: gateway.istio-ingress.svc.cluster.local`;
  const said = {
    _example: 'service: istio-ingressgateway.example.svc.cluster.local',
    'external-gateways': gateways,
    'local-gateway.knative-serving.knative-local-gateway': 'local.istio-local.svc.k8s.example',
  };
  t.deepEqual(await namespacesWith({ ...classOf('istio'), 'config-istio': said }), [
    'istio-ingress',
    'istio-local',
  ]);
});

test('gateways of Contour are where config-contour says that they are', async (t) => {
  const visibility = `ExternalIP:
  class: contour
  service: projectcontour/envoy
ClusterLocal:
  class: contour
  service: "projectcontour/envoy"`;
  t.deepEqual(await namespacesWith({ ...classOf('contour'), 'config-contour': { visibility } }), [
    'projectcontour',
  ]);
});

test('a class in its old spelling counts, and without one it is that of Istio', async (t) => {
  const old = { 'ingress.class': 'kourier.ingress.networking.knative.dev' };
  t.deepEqual(await namespacesWith({ 'config-network': old }), ['kourier-system']);
  t.deepEqual(await namespacesWith({ 'config-network': {} }), ['istio-system']);
});

test('of a layer that nobody knows, and of a cluster where one may not look, nothing is told', async (t) => {
  t.is(await namespacesWith(classOf('other')), undefined);
  t.is(await namespacesWith({}), undefined);
});
