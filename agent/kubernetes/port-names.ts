import type { PortHint } from '../../native/capture/trace-settings.ts';

/**
 * What `appProtocol` and names of ports say: Kubernetes' own values, names of IANA's registry, and those of Istio
 * (https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/).
 */
const spoken: ReadonlyMap<string, PortHint['protocol']> = new Map([
  ['dns', 'dns'],
  ['domain', 'dns'],
  ['grpc', 'http2'],
  ['grpc-web', 'http'],
  ['h2c', 'http2'],
  ['http', 'http'],
  ['http2', 'http2'],
  ['https', 'tls'],
  ['kafka', 'kafka'],
  ['kubernetes.io/h2c', 'http2'],
  ['kubernetes.io/ws', 'http'],
  ['kubernetes.io/wss', 'tls'],
  ['mysql', 'mysql'],
  ['postgres', 'postgresql'],
  ['postgresql', 'postgresql'],
  ['redis', 'redis'],
  ['sip', 'sip'],
  ['sips', 'tls'],
  ['tls', 'tls'],
]);

/** By an `appProtocol`, or by a port's name `<protocol>[-<suffix>]`; undefined where that says nothing that is read. */
export function protocolOf(name: string): PortHint['protocol'] | undefined {
  const parts = name.toLowerCase().split('-');
  // `grpc-web` before `grpc`.
  for (let length = parts.length; length > 0; length -= 1) {
    const found = spoken.get(parts.slice(0, length).join('-'));
    if (found !== undefined) return found;
  }
  return undefined;
}
