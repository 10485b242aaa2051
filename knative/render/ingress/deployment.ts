import type { V1Container, V1Deployment } from '@kubernetes/client-node';
import { imageOf, mirrored } from '../image.ts';
import { commonLabels, namespaced, selectorOf, type Rendered } from '../kubernetes-object.ts';
import { amountsOf, schedulingOf, spreadOver } from '../pod-parts.ts';
import { nobody, restrictedContext } from '../security-context.ts';
import { ingress, internalService, ports } from './names.ts';
import type { NetworkLayer } from './settings.ts';

/** What both containers have: Envoy's bootstrap, its xDS files, its admin socket. */
const folder = '/var/run/clover-envoy';
const volume = 'envoy';
/** By which Envoy says by itself that it takes requests: `functions/ingress/routes.ts`. */
const healthHost = 'health.clover-ingress.internal';

/**
 * Pods of an Envoy and its controller. The controller is a sidecar: it starts first, as it writes what Envoy starts with, and
 * is there until Envoy has ended. A pod is ready once its Envoy has had all Ingresses, and stays so when the controller or
 * the API server is gone.
 */
export function networkLayerDeployment(layer: NetworkLayer): Rendered<V1Deployment> {
  const { replicas, drainSeconds, hostPort } = layer;
  const matchLabels = selectorOf(layer, ingress);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: namespaced(layer, 'ingress', ingress, ingress),
    spec: {
      replicas,
      selector: { matchLabels },
      strategy: {
        type: 'RollingUpdate',
        // A port of a node is free once the old pod is gone.
        rollingUpdate:
          hostPort === undefined
            ? { maxUnavailable: 0, maxSurge: 1 }
            : { maxUnavailable: 1, maxSurge: 0 },
      },
      template: {
        metadata: { labels: commonLabels(layer, 'ingress', ingress) },
        spec: {
          serviceAccountName: ingress,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: drainSeconds + 10,
          securityContext: { fsGroup: nobody },
          topologySpreadConstraints: spreadOver(matchLabels),
          ...schedulingOf(layer),
          initContainers: [controller(layer)],
          containers: [envoy(layer)],
          volumes: [{ name: volume, emptyDir: { sizeLimit: '256Mi' } }],
        },
      },
    },
  };
}

function controller(layer: NetworkLayer): V1Container {
  const { clusterDomain, ingressClass, logLevel, namespace, resources } = layer;
  const port = 'health';
  return {
    name: 'controller',
    restartPolicy: 'Always',
    image: imageOf(layer, 'ingress'),
    env: [
      ...Object.entries({
        CLUSTER_DOMAIN: clusterDomain,
        ENVOY_FOLDER: folder,
        EXTERNAL_PORT: String(ports.external),
        EXTERNAL_SERVICE: ingress,
        INGRESS_CLASS: ingressClass,
        INTERNAL_PORT: String(ports.internal),
        INTERNAL_SERVICE: internalService,
        LOG_LEVEL: logLevel,
        POD_NAMESPACE: namespace,
        PORT: String(ports.controller),
      }).map(([name, value]) => ({ name, value })),
      { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ],
    ports: [{ name: port, containerPort: ports.controller }],
    // A minute: Node may take its time on a busy machine, and whoever is killed begins anew.
    startupProbe: {
      httpGet: { path: '/health/ready', port },
      periodSeconds: 1,
      failureThreshold: 60,
    },
    livenessProbe: { httpGet: { path: '/health/live', port }, periodSeconds: 10 },
    resources: amountsOf(resources.controller),
    securityContext: restrictedContext(),
    volumeMounts: [{ name: volume, mountPath: folder }],
  };
}

function envoy(layer: NetworkLayer): V1Container {
  const { concurrency, drainSeconds, hostPort, images, resources } = layer;
  const external = 'external';
  return {
    name: 'envoy',
    image: mirrored(layer, images.envoy),
    command: ['envoy', ...envoyArguments(concurrency)],
    ports: [
      {
        name: external,
        containerPort: ports.external,
        ...(hostPort !== undefined && { hostPort }),
      },
      { name: 'internal', containerPort: ports.internal },
    ],
    readinessProbe: {
      httpGet: {
        path: '/',
        port: external,
        httpHeaders: [{ name: 'Host', value: healthHost }],
      },
      periodSeconds: 2,
    },
    // Envoy ends at once when it is asked to: before that, requests end and clients go elsewhere.
    lifecycle: { preStop: { sleep: { seconds: drainSeconds } } },
    resources: amountsOf(resources.envoy),
    securityContext: restrictedContext(),
    volumeMounts: [{ name: volume, mountPath: folder }],
  };
}

/** As `functions/mesh/envoy/bootstrap.ts` has them. */
function envoyArguments(concurrency: number): string[] {
  return [
    '--config-path',
    `${folder}/envoy.json`,
    '--concurrency',
    String(concurrency),
    '--disable-hot-restart',
    '--drain-time-s',
    '10',
    '--log-level',
    'warning',
  ];
}
