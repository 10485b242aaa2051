import { namespaced, type KubernetesObject } from './kubernetes-object.ts';
import type { Installation } from './installation.ts';

/** Who a pod is for the API server. */
export interface ServiceAccount extends KubernetesObject {
  readonly apiVersion: 'v1';
  readonly kind: 'ServiceAccount';
  readonly imagePullSecrets?: readonly { readonly name: string }[];
}

/** The account of a program's pods. */
export function serviceAccount(installation: Installation, name: string): ServiceAccount {
  const { pullSecrets, serviceAccountAnnotations } = installation;
  const annotations = Object.entries(serviceAccountAnnotations).find(([of]) => of === name)?.[1];
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: {
      ...namespaced(installation, 'access', name, name),
      ...(annotations !== undefined && { annotations }),
    },
    ...(pullSecrets.length > 0 && {
      imagePullSecrets: pullSecrets.map((secret) => ({ name: secret })),
    }),
  };
}
