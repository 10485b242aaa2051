import type { NetworkLayer } from './settings.ts';

/** Of the Deployment, its account, and the Service for clients outside of the cluster. */
export const ingress = 'clover-ingress';

/** The Service for clients within the cluster. */
export const internalService = 'clover-ingress-internal';

/** Ports of the containers. */
export const ports = { external: 8080, internal: 8081, controller: 9090 } as const;

/** What is in no namespace has the namespace in its name. */
export function clusterWideName({ namespace }: NetworkLayer): string {
  return namespace === ingress ? ingress : `${namespace}-${ingress}`;
}
