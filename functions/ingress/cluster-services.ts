import { z } from 'zod';

const servicePort = z.object({
  name: z.string().default(''),
  port: z.int(),
  appProtocol: z.string().optional(),
});

/** A Service, as far as it is read. */
export const serviceSchema = z.object({
  metadata: z.object({ namespace: z.string(), name: z.string() }),
  spec: z
    .object({
      type: z.string().default('ClusterIP'),
      externalName: z.string().default(''),
      ports: z.array(servicePort).default([]),
    })
    .prefault({}),
});

/** One Service. */
export type Service = z.output<typeof serviceSchema>;

/** One port of a Service. */
export type ServicePort = z.output<typeof servicePort>;

const endpoint = z.object({
  addresses: z.array(z.string()),
  conditions: z
    .object({ ready: z.boolean().nullish(), terminating: z.boolean().nullish() })
    .nullish(),
});

/** A part of a Service's endpoints, as far as it is read. Some fields of an API server are null where they are empty. */
export const endpointSliceSchema = z.object({
  metadata: z.object({
    namespace: z.string(),
    name: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
  }),
  addressType: z.string(),
  endpoints: z.array(endpoint).nullish(),
  ports: z.array(z.object({ name: z.string().nullish(), port: z.int().nullish() })).nullish(),
});

/** One EndpointSlice. */
export type EndpointSlice = z.output<typeof endpointSliceSchema>;

/** Where something listens. */
export interface Address {
  readonly address: string;
  readonly port: number;
}

/** The Service that a slice belongs to, as `<namespace>/<name>`; undefined for a slice of something else. */
export function serviceOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.['kubernetes.io/service-name'];
  return name === undefined ? undefined : `${metadata.namespace}/${name}`;
}

/**
 * The ready endpoints of one port, each once and in a fixed order. Of a Service with both families only those of IPv4: a
 * node without a route for the other one would lose half of its requests.
 * @param name of the port, as Service and slices have it.
 */
export function readyAddresses(slices: readonly EndpointSlice[], name: string): Address[] {
  const ofType = (type: string): Address[] =>
    slices.filter(({ addressType }) => addressType === type).flatMap((one) => ready(one, name));
  const found = [ofType('IPv4'), ofType('IPv6')].find((addresses) => addresses.length > 0) ?? [];
  const byPlace = new Map(found.map((each) => [`${each.address} ${each.port}`, each]));
  return [...byPlace].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

function ready({ endpoints, ports }: EndpointSlice, name: string): Address[] {
  const port = (ports ?? []).find((each) => (each.name ?? '') === name)?.port ?? undefined;
  if (port === undefined) return [];
  return (
    (endpoints ?? [])
      // Absent means ready: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses: [address] }) => (address === undefined ? [] : [{ address, port }]))
  );
}
