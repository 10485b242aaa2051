/** The namespace of what Clover looks at. */
export const shop = 'shop';

/** A Tap of a namespace. */
export const tapOf = (namespace: string, spec: object = {}): object => ({
  apiVersion: 'clover.dev/v1alpha1',
  kind: 'Tap',
  metadata: { name: 'all', namespace },
  spec,
});

/** A policy of a Service that no mesh has. */
export const policyOfWeb = {
  apiVersion: 'clover.dev/v1alpha1',
  kind: 'TrafficPolicy',
  metadata: { name: 'web', namespace: shop },
  spec: {
    target: { host: 'nowhere', port: 8_080 },
    versions: ['v1', 'v2'].map((name) => ({ name, labels: { version: name } })),
    rules: [
      {
        split: [
          { version: 'v1', weight: 100 },
          { version: 'v2', weight: 0 },
        ],
      },
    ],
  },
};

/** An Experiment on that. */
export const experimentOnWeb = {
  apiVersion: 'clover.dev/v1alpha1',
  kind: 'Experiment',
  metadata: { name: 'shift', namespace: shop },
  spec: {
    targetRef: { name: 'web' },
    control: 'v1',
    variant: 'v2',
    metrics: [{ type: 'latency', margin: 0.1 }],
  },
};

/** A Service, and a policy for it that the mesh takes. */
export const serviceAndPolicy = (name: string): readonly object[] => {
  const metadata = { name, namespace: shop };
  const { spec, ...policy } = policyOfWeb;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { app: name }, ports: [{ name: 'http', port: 8_080 }] },
    },
    { ...policy, metadata, spec: { ...spec, target: { host: name, port: 8_080 } } },
  ];
};

/** The same of a Service without pods, and an Experiment on that. */
export const shortRun = (name: string, deadline: string): readonly object[] => [
  ...serviceAndPolicy(name),
  {
    ...experimentOnWeb,
    metadata: { name, namespace: shop },
    spec: { ...experimentOnWeb.spec, targetRef: { name }, deadline },
  },
];
