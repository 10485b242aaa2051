/** Where istiod and what belongs to the whole mesh are. */
export const istioNamespace = 'istio-system';

/** Where pods reach istiod: an address of the machine, which has a Service's name. */
export const istiodPort = 15_012;

/** What istiod's objects are made for. */
export interface ControlPlane {
  /** Address of the machine for pods. */
  readonly host: string;
  /** Where istiod serves webhooks, on loopback. */
  readonly webhookPort: number;
}

const labels = { app: 'istiod', 'istio.io/rev': 'default' } as const;

/**
 * What is there before istiod starts: its namespace and address, its webhooks, and what the whole mesh is told. istiod itself puts its
 * certificate into the webhooks.
 */
export function controlPlaneObjects({ host, webhookPort }: ControlPlane): object[] {
  const port = { name: 'https-xds', port: istiodPort, protocol: 'TCP' };
  const named = { name: 'istiod', namespace: istioNamespace };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: istioNamespace } },
    { apiVersion: 'v1', kind: 'Service', metadata: { ...named, labels }, spec: { ports: [port] } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...named, labels: { ...labels, 'kubernetes.io/service-name': named.name } },
      addressType: 'IPv4',
      ports: [port],
      endpoints: [{ addresses: [host], conditions: { ready: true } }],
    },
    {
      apiVersion: 'security.istio.io/v1',
      kind: 'PeerAuthentication',
      metadata: { name: 'default', namespace: istioNamespace },
      // Clover's agent reads plain text.
      spec: { mtls: { mode: 'DISABLE' } },
    },
    gatewayDefaults,
    validator(webhookPort),
    injector(webhookPort),
  ];
}

/** There is nobody here to give a Service of type LoadBalancer an address. */
const gatewayDefaults = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: 'gateway-defaults',
    namespace: istioNamespace,
    labels: { ...labels, 'gateway.istio.io/defaults-for-class': 'istio' },
  },
  data: { service: JSON.stringify({ spec: { type: 'ClusterIP' } }) },
} as const;

const admission = 'admissionregistration.k8s.io/v1';

function validator(port: number): object {
  return {
    apiVersion: admission,
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: validatorName, labels: { ...labels, istio: 'istiod' } },
    webhooks: [
      {
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        name: 'rev.validation.istio.io',
        clientConfig: { url: `https://localhost:${port}/validate` },
        rules: [
          {
            operations: ['CREATE', 'UPDATE'],
            apiGroups: ['networking.istio.io', 'security.istio.io'],
            apiVersions: ['*'],
            resources: ['*'],
          },
        ],
        // istiod makes it Fail once it serves.
        failurePolicy: 'Ignore',
      },
    ],
  };
}

/** What istiod finds the first of its webhooks by. */
export const validatorName = 'istio-validator-istio-system';

const isAbsent = (key: string) => ({ key, operator: 'DoesNotExist' });
const isOneOf = (key: string, ...values: readonly string[]) => ({ key, operator: 'In', values });
const isNotOff = { key: 'sidecar.istio.io/inject', operator: 'NotIn', values: ['false'] };

/** A namespace's label decides, and a pod's label may say otherwise. As Istio's chart has it. */
function injector(port: number): object {
  const cases = [
    {
      name: 'rev.namespace',
      namespaces: [isOneOf('istio.io/rev', 'default'), isAbsent('istio-injection')],
      pods: [isNotOff],
    },
    {
      name: 'rev.object',
      namespaces: [isAbsent('istio.io/rev'), isAbsent('istio-injection')],
      pods: [isNotOff, isOneOf('istio.io/rev', 'default')],
    },
    {
      name: 'namespace',
      namespaces: [isOneOf('istio-injection', 'enabled')],
      pods: [isNotOff],
    },
    {
      name: 'object',
      namespaces: [isAbsent('istio-injection'), isAbsent('istio.io/rev')],
      pods: [isOneOf('sidecar.istio.io/inject', 'true'), isAbsent('istio.io/rev')],
    },
  ];
  return {
    apiVersion: admission,
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'istio-sidecar-injector', labels },
    webhooks: cases.map(({ name, namespaces, pods }) => ({
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      name: `${name}.sidecar-injector.istio.io`,
      clientConfig: { url: `https://localhost:${port}/inject` },
      rules: [
        { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] },
      ],
      namespaceSelector: { matchExpressions: namespaces },
      objectSelector: { matchExpressions: pods },
      failurePolicy: 'Fail',
    })),
  };
}
