import type { ServiceDirectory } from '../../../functions/ingress/backend.ts';
import {
  endpointSliceSchema,
  serviceOf,
  serviceSchema,
} from '../../../functions/ingress/cluster-services.ts';
import { ingressSchema, type Ingress } from '../../../functions/ingress/ingress-object.ts';

/** An Ingress of the namespace `shop`. */
export function ingressOf(name: string, spec: object, metadata: object = {}): Ingress {
  return ingressSchema.parse({
    metadata: {
      namespace: 'shop',
      name,
      uid: `uid-${name}`,
      generation: 1,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec,
  });
}

/** A split to a Service of the namespace `shop`. */
export function splitOf(serviceName: string, percent?: number, more: object = {}): object {
  return { serviceNamespace: 'shop', serviceName, servicePort: 80, percent, ...more };
}

/** One rule for the external port. */
export function specOf(
  hosts: readonly string[],
  paths: readonly object[],
  more: object = {},
): object {
  return { rules: [{ hosts, visibility: 'ExternalIP', http: { paths }, ...more }] };
}

/** Services of the namespace `shop`, each with the port 80 named `http` and these endpoints. */
export function directoryOf(
  endpoints: Readonly<Record<string, readonly string[]>>,
): ServiceDirectory {
  return directory(
    Object.keys(endpoints).map((name) => ({
      metadata: { namespace: 'shop', name },
      spec: { ports: [{ name: 'http', port: 80 }] },
    })),
    Object.entries(endpoints).map(([name, addresses]) => sliceOf(name, addresses)),
  );
}

/** An EndpointSlice of the namespace `shop`. */
export function sliceOf(service: string, addresses: readonly string[], more: object = {}): object {
  return {
    metadata: {
      namespace: 'shop',
      name: `${service}-1`,
      labels: { 'kubernetes.io/service-name': service },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8012 }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ...more,
  };
}

/** What is known of these objects. */
export function directory(
  services: readonly object[],
  slices: readonly object[],
): ServiceDirectory {
  const known = services.map((one) => serviceSchema.parse(one));
  const parts = slices.map((one) => endpointSliceSchema.parse(one));
  return {
    service: (key) =>
      known.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === key),
    slices: (key) => parts.filter((slice) => serviceOf(slice) === key),
  };
}
