import type { GatewayCluster } from '../mesh/envoy/gateway-form.ts';
import type { IngressSplit } from './ingress-object.ts';
import {
  readyAddresses,
  type EndpointSlice,
  type Service,
  type ServicePort,
} from './cluster-services.ts';

/** What is known of Services. */
export interface ServiceDirectory {
  /** By `<namespace>/<name>`. */
  service(key: string): Service | undefined;
  /** Of a Service, by `<namespace>/<name>`. */
  slices(key: string): readonly EndpointSlice[];
}

/** The servers of a split. */
export interface Backend {
  readonly cluster: GatewayCluster;
  /** Why nobody can answer now; absent when somebody can. */
  readonly lack?: Lack;
}

/** Why a backend does not answer. */
export interface Lack {
  /** `missing`: what the Ingress names is not there. `idle`: it is, without a ready endpoint. */
  readonly kind: 'idle' | 'missing';
  readonly message: string;
}

/** How Serving, Kubernetes and Istio name ports that speak HTTP/2 without TLS. */
const http2Names = new Set(['h2c', 'http2']);

/** `<namespace>/<service>/<port>`. */
export function clusterName(split: IngressSplit): string {
  return `${split.serviceNamespace}/${split.serviceName}/${split.servicePort}`;
}

/** The Service's port of a split as servers. One that is missing has none: its requests are 503. */
export function backendOf(split: IngressSplit, directory: ServiceDirectory): Backend {
  const { serviceNamespace, serviceName, servicePort } = split;
  const key = `${serviceNamespace}/${serviceName}`;
  const name = clusterName(split);
  const service = directory.service(key);
  if (service === undefined) {
    return missing(name, `there is no Service ${key}`);
  }
  const { type, externalName, ports } = service.spec;
  const port = ports.find((each) => [each.port, each.name].includes(servicePort));
  if (type === 'ExternalName') {
    const number = port?.port ?? Number(servicePort);
    return Number.isInteger(number) && externalName !== ''
      ? {
          cluster: {
            name,
            endpoints: [{ address: externalName, port: number }],
            dns: true,
            ...protocolOf(port),
          },
        }
      : missing(name, `Service ${key} has no port ${servicePort}`);
  }
  if (port === undefined) return missing(name, `Service ${key} has no port ${servicePort}`);
  const endpoints = readyAddresses(directory.slices(key), port.name);
  return {
    cluster: { name, endpoints, ...protocolOf(port) },
    ...(endpoints.length === 0 && {
      lack: { kind: 'idle', message: `Service ${key} has no ready endpoint` },
    }),
  };
}

function missing(name: string, message: string): Backend {
  return { cluster: { name, endpoints: [] }, lack: { kind: 'missing', message } };
}

function protocolOf(port: ServicePort | undefined): { readonly http2?: true } {
  const speaks = port?.appProtocol === 'kubernetes.io/h2c' || http2Names.has(port?.name ?? '');
  return speaks ? { http2: true } : {};
}
