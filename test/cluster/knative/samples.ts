// Objects of Knative for tests, all in the namespace `default`.

const eventing = 'eventing.knative.dev/v1';
const sources = 'sources.knative.dev/v1';
const reader = 'reader';
const access = 'rbac.authorization.k8s.io';

/** A function as a Service of Serving, which runs while there is something to do. */
export function functionOf(
  name: string,
  image: string,
  variables: Readonly<Record<string, string>> = {},
): object {
  const env = Object.entries(variables).map(([variable, value]) => ({ name: variable, value }));
  const readinessProbe = { httpGet: { path: '/health/ready' } };
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      template: {
        spec: { containers: [{ image, env, readinessProbe }] },
      },
    },
  };
}

/** A broker, and a trigger of its name: each event goes to a function, and those that it refuses go elsewhere. */
export function brokerOf(name: string, subscriber: string, deadLetterUri: string): object[] {
  return [
    { apiVersion: eventing, kind: 'Broker', metadata: { name } },
    {
      apiVersion: eventing,
      kind: 'Trigger',
      metadata: { name },
      spec: {
        broker: name,
        subscriber: {
          ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: subscriber },
        },
        // Longer than a start from zero on a busy machine: an event that waits is not sent twice.
        delivery: { retry: 0, timeout: 'PT60S', deadLetterSink: { uri: deadLetterUri } },
      },
    },
  ];
}

/** An account that may read Taps. */
export const readerAccess: readonly object[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: reader } },
  {
    apiVersion: `${access}/v1`,
    kind: 'Role',
    metadata: { name: reader },
    rules: [{ apiGroups: ['clover.dev'], resources: ['taps'], verbs: ['get', 'list', 'watch'] }],
  },
  {
    apiVersion: `${access}/v1`,
    kind: 'RoleBinding',
    metadata: { name: reader },
    roleRef: { apiGroup: access, kind: 'Role', name: reader },
    subjects: [{ kind: 'ServiceAccount', name: reader, namespace: 'default' }],
  },
];

/** Announces changes of Taps. */
export function tapSource(name: string, uri: string): object {
  return {
    apiVersion: sources,
    kind: 'ApiServerSource',
    metadata: { name },
    spec: {
      mode: 'Resource',
      serviceAccountName: reader,
      resources: [{ apiVersion: 'clover.dev/v1alpha1', kind: 'Tap' }],
      sink: { uri },
    },
  };
}

/** Ticks each second. */
export function secondsSource(name: string, uri: string): object {
  return {
    apiVersion: sources,
    kind: 'PingSource',
    metadata: { name },
    spec: { schedule: '* * * * * *', sink: { uri } },
  };
}

/** A Deployment without pods, and what tells it where a broker is. */
export function boundSender(name: string, broker: string): object[] {
  const labels = { app: name };
  return [
    {
      apiVersion: sources,
      kind: 'SinkBinding',
      metadata: { name },
      spec: {
        subject: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        sink: { ref: { apiVersion: eventing, kind: 'Broker', name: broker } },
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name, image: 'dev.local/pause:1' }] },
        },
      },
    },
  ];
}

/** An account whose events of one type a broker takes, and no others. */
export function onlySender(account: string, broker: string, type: string): object[] {
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account } },
    {
      apiVersion: 'eventing.knative.dev/v1alpha1',
      kind: 'EventPolicy',
      metadata: { name: `${account}-to-${broker}` },
      spec: {
        to: [{ ref: { apiVersion: eventing, kind: 'Broker', name: broker } }],
        from: [{ sub: `system:serviceaccount:default:${account}` }],
        filters: [{ exact: { type } }],
      },
    },
  ];
}
