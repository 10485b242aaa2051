import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { apiOfFile, makeNamespace } from '../../cluster/api-of-file.ts';
import { kubectl } from '../../cluster/kubectl.ts';

const file = fileURLToPath(
  new URL('../../../infra/baremetal/kubernetes/clickhouse.yaml', import.meta.url),
);
const onApi = await apiOfFile();

const service = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({ ports: z.tuple([z.object({ port: z.int() })]) }),
});
const set = z.object({
  spec: z.object({
    serviceName: z.string(),
    template: z.object({
      spec: z.object({
        containers: z.tuple([
          z.object({
            env: z.array(
              z.object({
                name: z.string(),
                value: z.string().optional(),
                valueFrom: z
                  .object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) })
                  .optional(),
              }),
            ),
          }),
        ]),
      }),
    }),
  }),
});

onApi(
  'an API server takes ClickHouse for a cluster, where Pod Security is restricted',
  async (t, { tier, client }) => {
    await makeNamespace(client, 'clover-system');
    const enforce = 'pod-security.kubernetes.io/enforce=restricted';
    await kubectl(tier, 'label', 'namespace', 'clover-system', enforce);
    const apply = ['apply', '--server-side', '--validate=strict', '-f', file] as const;
    await kubectl(tier, ...apply, '--dry-run=server');
    await kubectl(tier, ...apply);
    const again = await kubectl(tier, ...apply);
    t.regex(again, /statefulset\.apps\/clickhouse serverside-applied/);

    // Pod Security judges pods alone: one as the StatefulSet makes it. Nothing here runs it.
    const template = await kubectl(
      tier,
      '-n',
      'clover-system',
      'get',
      'statefulset',
      'clickhouse',
      '-o',
      'json',
    );
    const { spec } = z
      .object({
        spec: z.object({
          template: z.object({ metadata: z.unknown(), spec: z.record(z.string(), z.unknown()) }),
        }),
      })
      .parse(JSON.parse(template));
    const volumes = z.array(z.unknown()).parse(spec.template.spec['volumes']);
    // No pod is judged before the controller manager has made the account that it runs as.
    await kubectl(tier, '-n', 'clover-system', 'wait', '--for=create', 'serviceaccount/default');
    await t.notThrowsAsync(
      client.call({
        method: 'POST',
        path: '/api/v1/namespaces/clover-system/pods',
        query: { dryRun: 'All', fieldValidation: 'Strict' },
        body: {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'probe' },
          spec: { ...spec.template.spec, volumes: [...volumes, { name: 'data', emptyDir: {} }] },
        },
      }),
    );

    const stored = set.parse(JSON.parse(template));
    const { env } = stored.spec.template.spec.containers[0];
    const shown = service.parse(
      JSON.parse(
        await kubectl(tier, '-n', 'clover-system', 'get', 'service', 'clickhouse', '-o', 'json'),
      ),
    );
    // What the example of an installation says of it.
    const example = await readFile(
      new URL('../../../knative/render/example.yaml', import.meta.url),
      'utf8',
    );
    const { clickhouse } = z
      .object({
        clickhouse: z.object({
          url: z.string(),
          passwordSecret: z.object({ name: z.string(), key: z.string() }),
        }),
      })
      .parse(parseAllDocuments(example)[0]?.toJS());
    const { name, namespace } = shown.metadata;
    t.is(
      clickhouse.url,
      `http://${name}.${namespace}.svc.cluster.local:${shown.spec.ports[0].port}`,
    );
    t.deepEqual(
      env.find((one) => one.name === 'CLICKHOUSE_PASSWORD')?.valueFrom?.secretKeyRef,
      clickhouse.passwordSecret,
    );
    t.is(stored.spec.serviceName, name);
  },
);
