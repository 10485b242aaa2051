import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { found404 } from './live-object.ts';

/** A part of a cluster that others make, and who runs it. */
export interface ClusterPart {
  readonly name: string;
  readonly group: string;
  readonly namespace: string;
  /** Deployments without which it takes no objects, or nobody works on them; the first one tells its version. */
  readonly deployments: readonly string[];
}

/** Knative Serving, Knative Eventing and Istio, as they come. */
export const clusterParts = {
  serving: {
    name: 'Knative Serving',
    group: 'serving.knative.dev',
    namespace: 'knative-serving',
    deployments: ['controller', 'webhook'],
  },
  eventing: {
    name: 'Knative Eventing',
    group: 'eventing.knative.dev',
    namespace: 'knative-eventing',
    deployments: ['eventing-controller', 'eventing-webhook'],
  },
  // One that has revisions has other names.
  istio: {
    name: 'Istio',
    group: 'networking.istio.io',
    namespace: 'istio-system',
    deployments: ['istiod'],
  },
} as const satisfies Readonly<Record<string, ClusterPart>>;

const deployment = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }),
  status: z.object({ availableReplicas: z.int().default(0) }).prefault({}),
});

/** What a cluster tells of a part whose definitions it has. */
export interface PartFound {
  /** `unknown`: it cannot be told. */
  readonly version: string;
  /** Who does not run, a line each; whom one may not see is taken to run. */
  readonly stopped: readonly string[];
}

/** Looks for the Deployments of a part. */
export async function findPart(
  client: KubeClient,
  { name: part, namespace, deployments }: ClusterPart,
): Promise<PartFound> {
  const found = await Promise.all(
    deployments.map(async (name) => ({ name, own: await look(client, namespace, name) })),
  );
  const [first] = found;
  const labels = typeof first?.own === 'object' ? first.own.metadata.labels : {};
  return {
    version: labels['app.kubernetes.io/version'] ?? 'unknown',
    stopped: found.flatMap(({ name, own }) => {
      if (own === 'hidden') return [];
      const title = `${part} does not run: the Deployment ${name} of ${namespace}`;
      if (own === undefined) return [`${title} is not there`];
      return own.status.availableReplicas > 0 ? [] : [`${title} has no pod that is available`];
    }),
  };
}

async function look(
  client: KubeClient,
  namespace: string,
  name: string,
): Promise<z.output<typeof deployment> | 'hidden' | undefined> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  try {
    const found = await found404(client.call({ method: 'GET', path }));
    return found === undefined ? undefined : deployment.parse(found);
  } catch (error) {
    if (error instanceof CloverError && error.code === 'CLV_KUBERNETES_FORBIDDEN') return 'hidden';
    throw error;
  }
}
