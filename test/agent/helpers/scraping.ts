import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { KubeClient } from '../../../functions/resources/kubernetes/client.ts';

const settings = z.object({
  scrape_configs: z.tuple([z.looseObject({ job_name: z.string() })]),
});
const slices = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      ports: z.array(z.object({ name: z.string(), port: z.int() })).nullable(),
      endpoints: z
        .array(z.object({ addresses: z.tuple([z.string()]), nodeName: z.string() }))
        .nullable(),
    }),
  ),
});

/** What a Prometheus finds by the role `endpointslice` in a namespace: its discovery is no part of the one that tests build. */
async function discovered(client: KubeClient, namespace: string): Promise<readonly object[]> {
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const { items } = slices.parse(await client.call({ method: 'GET', path }));
  return items.flatMap(({ metadata, ports, endpoints }) =>
    (ports ?? []).flatMap(({ name, port }) =>
      (endpoints ?? []).map(({ addresses: [address], nodeName }) => ({
        targets: [`${address}:${port}`],
        labels: {
          __meta_kubernetes_service_name: metadata.labels['kubernetes.io/service-name'] ?? '',
          __meta_kubernetes_endpointslice_port_name: name,
          __meta_kubernetes_endpointslice_endpoint_node_name: nodeName,
        },
      })),
    ),
  );
}

/** The job of the agents as docs/operations.md has it, with what it finds in a namespace, and a token. */
export async function documentedJob(
  client: KubeClient,
  namespace: string,
  tokenFile: string,
): Promise<{ readonly static_configs: readonly object[]; readonly [setting: string]: unknown }> {
  const page = await readFile(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/```yaml\n([^`]*)```/g)];
  const found = blocks
    .flatMap(([, text = '']) => settings.safeParse(parse(text)).data?.scrape_configs ?? [])
    .find((one) => one.job_name === 'clover-agents');
  if (found === undefined) throw new Error('no job is called clover-agents');
  const { kubernetes_sd_configs: _, ...job } = found;
  return {
    ...job,
    authorization: { credentials_file: tokenFile },
    static_configs: await discovered(client, namespace),
  };
}
