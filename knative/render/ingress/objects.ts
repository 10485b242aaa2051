import type { V1Namespace, V1PodDisruptionBudget, V1Service } from '@kubernetes/client-node';
import {
  commonLabels,
  namespaced,
  selectorOf,
  type KubernetesObject,
  type Rendered,
} from '../kubernetes-object.ts';
import { networkLayerAccess } from './access.ts';
import { networkLayerDeployment } from './deployment.ts';
import { ingress, internalService } from './names.ts';
import type { NetworkLayer } from './settings.ts';

/** The network layer of Serving, in the order in which it can be applied. The same settings always give the same. */
export function networkLayerObjects(layer: NetworkLayer): KubernetesObject[] {
  return [
    namespace(layer),
    ...networkLayerAccess(layer),
    externalServiceOf(layer),
    internalServiceOf(layer),
    ...budget(layer),
    networkLayerDeployment(layer),
  ];
}

function namespace(layer: NetworkLayer): Rendered<V1Namespace> {
  const level = layer.hostPort === undefined ? 'restricted' : 'privileged';
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: layer.namespace,
      labels: {
        ...commonLabels(layer, 'ingress', ingress),
        'pod-security.kubernetes.io/enforce': level,
      },
    },
  };
}

function externalServiceOf(layer: NetworkLayer): Rendered<V1Service> {
  const { type, nodePort } = layer.service;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: namespaced(layer, 'ingress', ingress, ingress),
    spec: {
      type,
      selector: selectorOf(layer, ingress),
      ports: [
        {
          name: 'http',
          port: 80,
          targetPort: 'external',
          ...(nodePort !== undefined && { nodePort }),
        },
      ],
    },
  };
}

/** Serving makes each Route's own name an alias of this one. */
function internalServiceOf(layer: NetworkLayer): Rendered<V1Service> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: namespaced(layer, 'ingress', internalService, ingress),
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(layer, ingress),
      ports: [{ name: 'http', port: 80, targetPort: 'internal' }],
    },
  };
}

/** One of several may go; a single one may as well. */
function budget(layer: NetworkLayer): Rendered<V1PodDisruptionBudget>[] {
  if (layer.replicas < 2) return [];
  return [
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: namespaced(layer, 'ingress', ingress, ingress),
      spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(layer, ingress) } },
    },
  ];
}
