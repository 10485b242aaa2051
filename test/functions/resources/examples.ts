/** One document of every kind that users write, with every field that they may set. */
export const examples = {
  Experiment: {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'Experiment',
    metadata: {
      name: 'try-v2',
      namespace: 'shop',
      labels: { team: 'edge' },
      annotations: { why: 'x' },
    },
    spec: {
      targetRef: { kind: 'TrafficPolicy', name: 'proxy' },
      control: 'v1',
      variant: 'v2',
      plan: [{ weight: 10, hold: '30s' }, { weight: 50 }],
      metrics: [
        { type: 'latency', role: 'objective', margin: 0.1 },
        { type: 'errors', role: 'guardrail', margin: 0.05, floor: 0.02 },
      ],
      alpha: 0.01,
      minSamples: 200,
      warmUp: '10s',
      deadline: '20m',
      watchAfter: { duration: '30s', margin: 0.4 },
      drill: {
        fault: { delay: { duration: '200ms', percent: 50 }, abort: { status: 503, percent: 5 } },
        expect: 'FAIL',
        onCaught: 'rollback',
      },
    },
  },
  Tap: {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'Tap',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { selector: { matchLabels: { app: 'web' } }, ports: [80, 8080] },
  },
  TrafficPolicy: {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'TrafficPolicy',
    metadata: { name: 'proxy', namespace: 'shop' },
    spec: {
      target: { host: 'shop.example', port: 8080 },
      versions: [
        { name: 'v1', endpoints: [{ address: '198.18.0.1', port: 80 }] },
        { name: 'v2', endpoints: [{ address: '2001:db8::2', port: 80 }] },
      ],
      rules: [
        {
          name: 'carts',
          match: [
            {
              path: { prefix: '/cart' },
              method: 'GET',
              headers: [{ name: 'x-user', value: { regex: '^(?i)beta-[0-9]{2,4}$' } }],
            },
            { path: { exact: '/checkout' } },
          ],
          split: [
            { version: 'v1', weight: 3 },
            { version: 'v2', weight: 1, fault: { abort: { status: 500, percent: 1 } } },
          ],
          timeout: '5s',
        },
        { split: [{ version: 'v1', weight: 1 }] },
      ],
    },
  },
} as const;
