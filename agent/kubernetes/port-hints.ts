import type { PortHint } from '../../native/capture/trace-settings.ts';
import type { KubePod } from './pod-object.ts';
import { protocolOf } from './port-names.ts';
import type { KubeService } from './service-object.ts';

type Said = ReadonlyMap<number, PortHint['protocol'] | 'disputed'>;

/**
 * What the ports of a pod are said to speak, ascending: by `appProtocol` of the Services that select it, else by the names that those
 * have for the port, else by the container's own name for it. Of a port of which two Services say two things nothing is said.
 *
 * @param services of any namespace.
 */
export function portHints(pod: KubePod, services: readonly KubeService[]): readonly PortHint[] {
  const own = services.filter((service) => selects(service, pod));
  const byServices = (declared: boolean): Said =>
    agreed(
      own.flatMap(({ ports }) =>
        ports
          .filter((port) => port.declared === declared)
          .map(({ target, protocol }) => [numberOf(target, pod), protocol] as const),
      ),
    );
  const byContainers = agreed(pod.ports.map(({ name, port }) => [port, protocolOf(name)]));
  const said = new Map([...byContainers, ...byServices(false), ...byServices(true)]);
  return [...said]
    .flatMap(([port, protocol]) => (protocol === 'disputed' ? [] : [{ port, protocol }]))
    .sort((a, b) => a.port - b.port);
}

function agreed(
  all: readonly (readonly [number | undefined, PortHint['protocol'] | undefined])[],
): Said {
  const said = new Map<number, PortHint['protocol'] | 'disputed'>();
  for (const [port, protocol] of all) {
    if (port === undefined || protocol === undefined) continue;
    said.set(port, said.has(port) && said.get(port) !== protocol ? 'disputed' : protocol);
  }
  return said;
}

function selects({ namespace, selector }: KubeService, pod: KubePod): boolean {
  return (
    namespace === pod.namespace &&
    Object.entries(selector).every(([key, value]) => pod.labels[key] === value)
  );
}

function numberOf(target: number | string, { ports }: KubePod): number | undefined {
  return typeof target === 'number' ? target : ports.find(({ name }) => name === target)?.port;
}
