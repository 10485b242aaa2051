import { cloverNamespace } from '../../cluster/installation/prepare.ts';
import type { NodeTier } from '../../cluster/tiers/node.ts';

/** The name of a function in the cluster. */
export const hostOf = (name: string): string => `${name}.${cloverNamespace}.svc.cluster.local`;

/** Where the network layer takes requests for functions that only the cluster reaches. */
export async function networkLayerUrl({ kubectl }: Pick<NodeTier, 'kubectl'>): Promise<string> {
  const service = ['service/clover-ingress-internal', '-n', 'clover-ingress'];
  const place = 'jsonpath={.spec.clusterIP}:{.spec.ports[0].port}';
  return `http://${await kubectl(['get', ...service, '-o', place])}`;
}

/** Where the installation's Broker of what agents send takes events. */
export async function brokerUrl({ kubectl }: Pick<NodeTier, 'kubectl'>): Promise<string> {
  const service = ['service/broker-ingress', '-n', 'knative-eventing'];
  const address = await kubectl(['get', ...service, '-o', 'jsonpath={.spec.clusterIP}']);
  return `http://${address}/${cloverNamespace}/reports`;
}
