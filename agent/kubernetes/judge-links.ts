import type { ProcessLink } from '../../native/capture/types.ts';
import type { Location } from '../pod-directory.ts';

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

/**
 * Which of a pod's interfaces can be traced from the node, and why the others cannot; undefined while the pod has none, as its
 * network is not made yet.
 */
export function judgeLinks(links: readonly ProcessLink[]): Location | undefined {
  const outside = links.filter(({ name, kind }) => name !== 'lo' && !inside.has(kind));
  if (outside.length === 0) return undefined;
  const interfaces = outside.flatMap(({ kind, ours }) =>
    kind === 'veth' && ours !== undefined ? [ours] : [],
  );
  const unseen = outside
    .filter(({ kind, ours }) => kind !== 'veth' || ours === undefined)
    // With a way out, a veth that leads elsewhere is the pod's own affair, such as containers in its containers.
    .filter(({ kind }) => kind !== 'veth' || interfaces.length === 0)
    .map(({ name, kind }) => ({ interface: name, why: whyUnseen(kind) }));
  return { interfaces, unseen };
}

function whyUnseen(kind: string): string {
  if (kind === '') return 'it is a device handed to the pod, such as an SR-IOV function';
  if (kind === 'veth') return "its other end is not in the node's network namespace";
  return `it is ${kind}, not veth: its packets do not pass an interface of the node that is the pod's alone`;
}
