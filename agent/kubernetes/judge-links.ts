import type { ProcessLink } from '../../native/capture/types.ts';
import type { NodePoint, Unseen } from '../pod-directory.ts';
import type { KubePod } from './pod-object.ts';

/** Devices that send their packets by another interface of the pod, or keep them in it. */
const inside: ReadonlySet<string> = new Set([
  'bareudp',
  'bond',
  'bridge',
  'dummy',
  'erspan',
  'geneve',
  'gre',
  'gretap',
  'gtp',
  'ifb',
  'ip6erspan',
  'ip6gre',
  'ip6gretap',
  'ip6tnl',
  'ipip',
  'nlmon',
  'sit',
  'team',
  'tun',
  'vrf',
  'vti',
  'vti6',
  'vxcan',
  'vxlan',
  'wireguard',
  'xfrm',
]);

/** What there is to see of a pod's network. */
export interface JudgedLinks {
  /** The node's ends of its veths. */
  readonly interfaces: readonly NodePoint[];
  /** What does not pass there. */
  readonly unseen: readonly Unseen[];
  /** What does not pass the pod's sockets, either. */
  readonly unseenAtSockets: readonly Unseen[];
}

/**
 * Which of a pod's interfaces can be traced from the node, and why the others cannot; undefined while the pod has none, as its
 * network is not made yet.
 *
 * @param pod what it has of devices that no interface of its network tells of.
 */
export function judgeLinks(
  links: readonly ProcessLink[],
  pod: Pick<KubePod, 'devices' | 'hugePages'>,
): JudgedLinks | undefined {
  const outside = links.filter(({ name, kind }) => name !== 'lo' && !inside.has(kind));
  if (outside.length === 0) return undefined;
  const interfaces = outside.flatMap(({ kind, ours }) =>
    kind === 'veth' && ours !== undefined ? [{ name: ours.name, point: ours.ifindex }] : [],
  );
  const unseen = outside
    .filter(({ kind, ours }) => kind !== 'veth' || ours === undefined)
    // With a way out, a veth that leads elsewhere is the pod's own affair, such as containers in its containers.
    .filter(({ kind }) => kind !== 'veth' || interfaces.length === 0)
    .map((link) => ({ interface: link.name, why: whyUnseen(link) }));
  const devices = devicesOf(pod, outside);
  const taken = outside.filter(({ kind, xdp }) => kind === '' && xdp === true);
  return {
    interfaces,
    unseen: [...unseen, ...takenEarly(outside), ...devices],
    unseenAtSockets: [
      ...taken.map((link) => ({ interface: link.name, why: whyUnseen(link) })),
      ...devices,
    ],
  };
}

/** Veths whose packets somebody gets before the agent does. On the pod's own end an XDP program takes nothing from it. */
function takenEarly(links: readonly ProcessLink[]): readonly Unseen[] {
  return links.flatMap(({ name, ours }) =>
    ours?.xdp === true
      ? [
          {
            interface: name,
            why: `an XDP program on the node's end of it, ${ours.name}, may take its packets before the agent sees them`,
          },
        ]
      : [],
  );
}

/** Devices that a program drives by itself are no interfaces; those that the kernel drives are among the links. */
export function devicesOf(
  { devices, hugePages }: Pick<KubePod, 'devices' | 'hugePages'>,
  links: readonly ProcessLink[],
): readonly Unseen[] {
  if (!hugePages && links.some(({ kind }) => kind === '')) return [];
  const why = hugePages
    ? "the pod has it and huge pages, as DPDK needs: its packets do not pass the kernel's network"
    : "it is a device handed to the pod: its packets do not pass the node's network";
  return devices.map((device) => ({ interface: device, why }));
}

function whyUnseen({ kind, xdp }: ProcessLink): string {
  if (kind === '' && xdp === true)
    return 'it is a device handed to the pod, with an XDP program (AF_XDP) on it';
  if (kind === '') return 'it is a device handed to the pod, such as an SR-IOV function';
  if (kind === 'veth') return "its other end is not in the node's network namespace";
  return `it is ${kind}, not veth: its packets do not pass an interface of the node that is the pod's alone`;
}
