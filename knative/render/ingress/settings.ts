import { z } from 'zod';
import { dnsLabel } from '../../resources/meta-schemas.ts';
import {
  image,
  labelValue,
  objectName,
  registryPath,
  resources,
  toleration,
} from '../installation-values.ts';

const port = z.int().min(1).max(65_535);

/** Schema of {@link NetworkLayer}. An unknown key is an error that names it. */
export const networkLayerSchema = z.strictObject({
  /** Of everything that is in one. It is the network layer's alone: its level of Pod Security is `restricted` if that can be. */
  namespace: dnsLabel.default('clover-ingress'),
  /** Of Clover: a label of everything. */
  version: labelValue,
  /** Host and path of the image `clover-ingress:<version>`. */
  registry: registryPath.default('dev.local'),
  /** Another name of that image; and Envoy's, of 1.40 or newer. */
  images: z
    .strictObject({
      ingress: image.exactOptional(),
      envoy: image.default('envoyproxy/envoy:v1.40.0'),
    })
    .prefault({}),
  /** Host, and perhaps path, that stands in place of the registry of both images. */
  registryMirror: registryPath.exactOptional(),
  /** Secrets of the namespace by which images are pulled. */
  pullSecrets: z.array(objectName).default([]),
  /** What `ingress-class` of Serving's config-network has to say. */
  ingressClass: objectName.default('clover.ingress.networking.knative.dev'),
  /** What the names of Services end with. */
  clusterDomain: objectName.default('cluster.local'),
  replicas: z.int().min(1).max(100).default(2),
  /** How clients outside of the cluster come in. */
  service: z
    .strictObject({
      type: z.enum(['ClusterIP', 'LoadBalancer', 'NodePort']).default('LoadBalancer'),
      /** Of the types NodePort and LoadBalancer; default: the cluster takes one. */
      nodePort: port.exactOptional(),
    })
    .refine(({ type, nodePort }) => type !== 'ClusterIP' || nodePort === undefined, {
      path: ['nodePort'],
      error: 'is of the types NodePort and LoadBalancer: leave it out, or say service.type',
    })
    .prefault({}),
  /** Port of each node that has a pod, for a cluster without load balancers. It takes the namespace out of Pod Security. */
  hostPort: port.exactOptional(),
  /** How long a pod that ends answers what it has begun, and sends clients away. */
  drainSeconds: z.int().min(1).max(3_600).default(60),
  /** Threads of each Envoy. */
  concurrency: z.int().min(1).max(128).default(2),
  resources: z
    .strictObject({
      controller: resources.default({
        requests: { cpu: '25m', memory: '96Mi' },
        limits: { memory: '384Mi' },
      }),
      envoy: resources.default({
        requests: { cpu: '100m', memory: '128Mi' },
        limits: { memory: '1Gi' },
      }),
    })
    .prefault({}),
  tolerations: z.array(toleration).default([]),
  priorityClass: objectName.exactOptional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** What one cluster's network layer for Knative Serving is made of. */
export type NetworkLayer = z.output<typeof networkLayerSchema>;
