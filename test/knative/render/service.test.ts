import test from 'ava';
import fc from 'fast-check';
import { catalogue } from '../../../knative/catalogue.ts';
import { functionTable } from '../../../knative/render/function-table.ts';
import { functionPolicy } from '../../../knative/render/network-policy.ts';
import { installationInput, installationOf, type InstallationInput } from './installations.ts';
import { restricted, specs, specsOf } from './rendered.ts';

const least = installationOf({});
const names = catalogue.map(({ name }) => name);

const podsOf = (installation = least) =>
  new Map(
    specsOf(installation, specs.service).map(({ object, spec: { template } }) => [
      object.metadata.name,
      {
        ...template.spec,
        container: template.spec.containers[0],
        scale: [
          template.metadata.annotations['autoscaling.knative.dev/min-scale'],
          template.metadata.annotations['autoscaling.knative.dev/max-scale'],
        ],
        window: template.metadata.annotations['autoscaling.knative.dev/window'],
      },
    ]),
  );

test('the table has the functions of the catalogue, in its order', (t) => {
  t.deepEqual(
    functionTable.map(({ name }) => name),
    names,
  );
});

test('every function has a Service that only the cluster reaches, with its name in every place', (t) => {
  const services = specsOf(least, specs.service);
  t.deepEqual(
    services.map(({ object }) => object.metadata.name),
    names,
  );
  for (const { object, spec } of services) {
    const { name, labels } = object.metadata;
    t.is(labels['networking.knative.dev/visibility'], 'cluster-local', name);
    t.is(spec.template.spec.serviceAccountName, name);
    t.is(spec.template.metadata.labels['app.kubernetes.io/name'], name);
    const [container] = spec.template.spec.containers;
    t.is(container.name, name);
    t.is(container.image, `registry.example/clover/${name}:1.4.0`);
  }
});

test('every container is as tight as the Pod Security Standard "restricted" asks, and tighter', (t) => {
  fc.assert(
    fc.property(installationInput, (input) => {
      for (const [name, { container }] of podsOf(installationOf(input))) {
        t.deepEqual(container.securityContext, restricted, name);
      }
    }),
    { numRuns: 20 },
  );
});

test('readiness is asked for without a period: Serving then asks every 50 ms', (t) => {
  for (const [name, { container }] of podsOf()) {
    t.deepEqual(container.readinessProbe, { httpGet: { path: '/health/ready', port: 8080 } }, name);
    t.deepEqual(container.livenessProbe, { httpGet: { path: '/health/live', port: 8080 } }, name);
    t.deepEqual(container.ports, [{ name: 'http1', containerPort: 8080 }]);
  }
});

test('a pod has 30 s after the 30 s of quiet to finish a delivery', (t) => {
  const timeouts = [...podsOf()].map(([name, { timeoutSeconds }]) => [name, timeoutSeconds]);
  t.deepEqual(timeouts, [
    ['api', 600],
    ['evaluate', 60],
    ['ingest', 60],
    ['notify', 60],
    ['policy', 60],
  ]);
});

test('how far functions scale, and what one pod takes', (t) => {
  const rows = [...podsOf()].map(([name, { scale, containerConcurrency }]) => [
    name,
    scale.join(' to '),
    containerConcurrency,
  ]);
  t.deepEqual(rows, [
    ['api', '0 to 3', 0],
    ['evaluate', '0 to 1', 100],
    ['ingest', '0 to 10', 16],
    ['notify', '0 to 1', 100],
    ['policy', '0 to 1', 100],
  ]);
});

test('a pod of what only events wake goes as soon as Serving lets it; agents keep one of ingest within the window of the cluster', (t) => {
  t.deepEqual(
    [...podsOf()].map(([name, { window }]) => [name, window]),
    [
      ['api', undefined],
      ['evaluate', '6s'],
      ['ingest', undefined],
      ['notify', '6s'],
      ['policy', '6s'],
    ],
  );
});

const scaleOf = (changes: Partial<InstallationInput>) =>
  podsOf(installationOf(changes)).get('ingest')?.scale;

test('an owner says how many pods a function has', (t) => {
  t.deepEqual(scaleOf({ functions: { ingest: { minScale: 4 } } }), ['4', '10']);
  t.deepEqual(scaleOf({ functions: { ingest: { minScale: 40 } } }), ['40', '40']);
  t.deepEqual(scaleOf({ functions: { ingest: { maxScale: 1 } } }), ['0', '1']);
});

test('functions are reached through the queue-proxy alone, unless that is not wished', (t) => {
  const [policy, ...others] = functionPolicy(least);
  t.deepEqual(others, []);
  const ports = policy?.spec.ingress.flatMap((rule) => rule.ports.map(({ port }) => port));
  t.deepEqual(
    ports,
    [8012, 8013, 8112, 9090, 9091],
    'and neither 8080, the function itself, nor 8022, where who asks starts a drain',
  );
  for (const { object, spec } of specsOf(least, specs.service)) {
    t.like(
      spec.template.metadata.labels,
      policy?.spec.podSelector.matchLabels ?? {},
      object.metadata.name,
    );
  }
  t.deepEqual(functionPolicy(installationOf({ networkPolicies: false })), []);
});

test('no function has a least number of pods above the greatest', (t) => {
  fc.assert(
    fc.property(installationInput, (input) => {
      for (const [name, { scale }] of podsOf(installationOf(input))) {
        t.true(Number(scale[0]) <= Number(scale[1]), `${name}: ${scale.join(' to ')}`);
      }
    }),
    { numRuns: 50 },
  );
});

test('what an owner sets of a function stands in place of the default', (t) => {
  const resources = { requests: { memory: '1Gi' } };
  const pods = podsOf(
    installationOf({
      functions: { evaluate: { containerConcurrency: 7, maxScale: 5, resources } },
    }),
  );
  const { containerConcurrency, scale, container } = pods.get('evaluate') ?? {};
  t.is(containerConcurrency, 7);
  t.deepEqual(scale, ['0', '5']);
  t.deepEqual(container?.resources, resources);
  t.deepEqual(pods.get('policy')?.container.resources, {
    requests: { cpu: '25m', memory: '64Mi' },
    limits: { memory: '256Mi' },
  });
});

test('only functions that keep something in ClickHouse know where it is', (t) => {
  const variables = [...podsOf()].map(([name, { container }]) => [
    name,
    container.env.map((variable) => variable.name).join(' '),
  ]);
  const store = 'CLICKHOUSE_URL CLICKHOUSE_USER CLICKHOUSE_PASSWORD CLICKHOUSE_DATABASE';
  t.deepEqual(variables, [
    ['api', `LOG_LEVEL ${store}`],
    ['evaluate', `LOG_LEVEL ${store}`],
    ['ingest', `LOG_LEVEL AGENT_ACCOUNT ${store}`],
    ['notify', `LOG_LEVEL ${store}`],
    ['policy', 'LOG_LEVEL'],
  ]);
});

test('with oidc every function knows that senders say who they are, and who may replay has a token for each', (t) => {
  const pods = podsOf(installationOf({ namespace: 'judge', oidc: true }));
  const told = [...pods].map(([name, { container }]) => [
    name,
    container.env
      .filter((variable) => /^(EVENTING_OIDC|AGENT_ACCOUNT)$/.test(variable.name))
      .map((variable) => `${variable.name}=${variable.value}`)
      .join(' '),
  ]);
  const asking = 'EVENTING_OIDC=true AGENT_ACCOUNT=agent';
  t.deepEqual(Object.fromEntries(told), {
    api: 'EVENTING_OIDC=true',
    evaluate: asking,
    ingest: asking,
    notify: asking,
    policy: asking,
  });
  const { volumes, container } = pods.get('api') ?? {};
  const called = ['evaluate', 'ingest', 'notify', 'policy'];
  t.deepEqual(volumes, [
    {
      name: 'tokens',
      projected: {
        sources: called.map((name) => ({
          serviceAccountToken: {
            audience: `serving.knative.dev/service/judge/${name}`,
            expirationSeconds: 3_600,
            path: name,
          },
        })),
      },
    },
  ]);
  t.deepEqual(container?.volumeMounts, [
    { name: 'tokens', mountPath: '/etc/clover/tokens', readOnly: true },
  ]);
  for (const name of called) t.is(pods.get(name)?.volumes, undefined, name);
});

test('policy knows of Istio, and of the names that it writes there, if the installation has one', (t) => {
  const pods = podsOf(
    installationOf({ controlPlane: { istio: true }, clusterDomain: 'k8s.example' }),
  );
  t.deepEqual(
    [...pods].flatMap(([name, { container }]) =>
      container.env
        .filter((variable) => /^(MESH|CLUSTER_DOMAIN)$/.test(variable.name))
        .map((variable) => [name, variable.name, variable.value]),
    ),
    [
      ['policy', 'MESH', 'istio'],
      ['policy', 'CLUSTER_DOMAIN', 'k8s.example'],
    ],
  );
});

test('every function is told where telemetry goes, if that is said', (t) => {
  const endpoint = 'http://collector.observability.svc.cluster.local:4318';
  const pods = podsOf(installationOf({ telemetry: { endpoint } }));
  t.is(pods.size, 5);
  for (const [name, { container }] of pods) {
    const told = container.env.filter((variable) => variable.name.startsWith('OTEL_'));
    t.deepEqual(
      told,
      [
        { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: endpoint },
        { name: 'OTEL_EXPORTER_OTLP_PROTOCOL', value: 'http/protobuf' },
      ],
      name,
    );
  }
});

test('a password is named and never written', (t) => {
  const { container } = podsOf().get('ingest') ?? {};
  t.deepEqual(
    container?.env.find(({ name }) => name === 'CLICKHOUSE_PASSWORD'),
    {
      name: 'CLICKHOUSE_PASSWORD',
      valueFrom: { secretKeyRef: { name: 'clickhouse', key: 'password' } },
    },
  );
});

const flagged = (installation = least) =>
  [...podsOf(installation).values()].map(({ tolerations, priorityClassName }) => ({
    tolerations,
    priorityClassName,
  }));

test('fields behind a feature flag of Serving are there only if they are asked for', (t) => {
  const nothing = { tolerations: undefined, priorityClassName: undefined };
  t.deepEqual(
    flagged(),
    Array.from({ length: names.length }, () => nothing),
  );
  const tolerations = [{ key: 'spot', operator: 'Exists' as const }];
  const set = { tolerations, priorityClassName: 'control' };
  t.deepEqual(
    flagged(installationOf({ tolerations, priorityClass: 'control' })),
    Array.from({ length: names.length }, () => set),
  );
});
