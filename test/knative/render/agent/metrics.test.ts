import test from 'ava';
import { z } from 'zod';
import { parseAgentConfig } from '../../../../agent/config.ts';
import { agentObjects } from '../../../../knative/render/agent/objects.ts';
import { installationOf } from '../installations.ts';

const role = z.object({
  kind: z.literal('ClusterRole'),
  rules: z.array(z.object({ resources: z.array(z.string()), verbs: z.array(z.string()) })),
});
const service = z.object({ kind: z.literal('Service'), spec: z.looseObject({}) });
const daemonSet = z.object({
  kind: z.literal('DaemonSet'),
  spec: z.object({
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        containers: z.tuple([
          z.object({
            ports: z.never().optional(),
            env: z.array(
              z.object({
                name: z.string(),
                valueFrom: z.object({ fieldRef: z.object({ fieldPath: z.string() }) }),
              }),
            ),
          }),
        ]),
      }),
    }),
  }),
});
const configMap = z.object({
  kind: z.literal('ConfigMap'),
  data: z.object({ 'agent.json': z.string() }),
});

/** The agents of an installation, and what their pod has in place of fields. */
function rendered(agent: { readonly metricsPort?: number }) {
  const objects = agentObjects(installationOf({ agent }));
  const only = <T>(schema: z.ZodType<T>): T[] =>
    objects.flatMap((object) => schema.safeParse(object).data ?? []);
  const [set] = only(daemonSet);
  const [map] = only(configMap);
  const fields = new Map([
    ['spec.nodeName', 'n1'],
    ['metadata.namespace', 'clover-system'],
    ['status.podIP', '10.0.0.7'],
  ]);
  const env: Record<string, string | undefined> = {};
  for (const { name, valueFrom } of set?.spec.template.spec.containers[0].env ?? []) {
    env[name] = fields.get(valueFrom.fieldRef.fieldPath);
  }
  const server = { KUBERNETES_SERVICE_HOST: '10.0.0.1', K_SINK: 'http://broker' };
  return {
    labels: set?.spec.template.metadata.labels,
    services: only(service),
    rights: only(role).flatMap(({ rules }) =>
      rules.map(({ resources, verbs }) => `${verbs.join(' ')} ${resources.join(' ')}`),
    ),
    config: parseAgentConfig(map?.data['agent.json'] ?? '', { ...server, ...env }),
  };
}

const reading = ['list watch pods', 'list watch services', 'list watch taps'];

test('an agent is scraped nowhere unless that is asked for, and may ask for nobody', (t) => {
  const { config, services, rights } = rendered({});
  t.is(config.scrape, undefined);
  t.deepEqual(config.listen, { host: '127.0.0.1', port: 9_465 });
  t.deepEqual(services, []);
  t.deepEqual(rights.toSorted(), reading);
});

test("where it is, it listens at the node's address, may ask who scrapes, and is found by a Service without an address", (t) => {
  const { config, labels, services, rights } = rendered({ metricsPort: 9_466 });
  t.deepEqual(config.scrape, { host: '10.0.0.7', port: 9_466 });
  t.deepEqual(config.listen, { host: '127.0.0.1', port: 9_465 }, 'all else stays on the node');
  const asking = ['create subjectaccessreviews', 'create tokenreviews'];
  t.deepEqual(rights.toSorted(), [...asking, ...reading]);
  const selector = {
    'app.kubernetes.io/instance': 'clover-system',
    'app.kubernetes.io/name': 'agent',
  };
  t.deepEqual(
    services.map(({ spec }) => spec),
    [{ clusterIP: 'None', selector, ports: [{ name: 'metrics', port: 9_466 }] }],
  );
  t.like(labels, selector);
});
