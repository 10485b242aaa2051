import { fileURLToPath } from 'node:url';

const sample = new URL('../../../infra/samples/sdc/', import.meta.url);
const path = (name: string): string => fileURLToPath(new URL(name, sample));

/** Paths of the sample's manifests for Kubernetes: docs are in its README.md. */
export const sdcManifests = {
  /** A folder for `kubectl apply -k`. */
  base: path('kubernetes'),
  client: path('kubernetes/client.yaml'),
  version: (name: string): string => path(`kubernetes/versions/proxy-${name}.yaml`),
  policy: (name: string): string => path(`kubernetes/policies/policy-${name}.yaml`),
  experiment: (name: string): string => path(`kubernetes/experiments/experiment-${name}.yaml`),
  tap: path('manifests/tap.yaml'),
} as const;
