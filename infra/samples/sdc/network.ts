import { existsSync } from 'node:fs';
import { deleteLinks, deleteNamespaces, ip } from '../../../cloverctl/supervisor/links.ts';
import type { RunFolder } from '../../../cloverctl/supervisor/run-record.ts';
import { sdcPods, sdcPrefix, type SdcPodName } from './topology.ts';

/** The sample's network: one bridge, and per pod a namespace with a veth to it. */
export interface SdcNetwork {
  /** Adds pods that are not there yet. */
  add(pods: readonly SdcPodName[]): Promise<void>;
  /** Name of a pod's network namespace. */
  namespaceOf(pod: SdcPodName): string;
  /** Name of the host side of a pod's veth. */
  interfaceOf(pod: SdcPodName): string;
  /** Deletes every pod and the bridge. Safe to repeat. */
  delete(): Promise<void>;
}

const podOrder = Object.keys(sdcPods);

/**
 * The network of one run. Everything is recorded before it is made, and only recorded things are
 * deleted.
 * @param id 1 to 6 lower-case letters or digits, unique on this machine: it is in every name.
 */
export function createNetwork(id: string, run: RunFolder): SdcNetwork {
  const bridge = `clv${id}`;
  const namespaceOf = (pod: SdcPodName): string => `clv${id}-${pod}`;
  // Names of links have at most 15 bytes.
  const interfaceOf = (pod: SdcPodName): string => `clv${id}p${podOrder.indexOf(pod)}`;

  return {
    namespaceOf,
    interfaceOf,
    async add(pods) {
      const absent = pods.filter((pod) => !existsSync(`/run/netns/${namespaceOf(pod)}`));
      run.update(({ namespaces, links }) => ({
        namespaces: union(namespaces, absent.map(namespaceOf)),
        links: union(links, [bridge, ...absent.map(interfaceOf)]),
      }));
      if (!existsSync(`/sys/class/net/${bridge}`)) {
        // No address: the machine itself neither reaches the pods nor is reached by them.
        await ip([`link add ${bridge} type bridge`, ...quiet(bridge), `link set ${bridge} up`]);
      }
      for (const pod of absent) await addPod(pod, bridge);
    },
    async delete() {
      await deleteNamespaces(
        podNames()
          .map(namespaceOf)
          .filter((name) => run.record.namespaces.includes(name)),
      );
      await deleteLinks(
        [...podNames().map(interfaceOf), bridge].filter((name) => run.record.links.includes(name)),
      );
    },
  };

  async function addPod(pod: SdcPodName, toBridge: string): Promise<void> {
    const [namespace, host] = [namespaceOf(pod), interfaceOf(pod)];
    await ip([
      `netns add ${namespace}`,
      `link add ${host} type veth peer name eth0 netns ${namespace}`,
      ...quiet(host),
      `link set ${host} master ${toBridge} up`,
    ]);
    await ip(
      [
        'link set lo up',
        'link set eth0 up',
        `addr add ${sdcPods[pod].address}/${sdcPrefix} dev eth0`,
      ],
      namespace,
    );
  }
}

function podNames(): SdcPodName[] {
  return Object.values(sdcPods).map(({ name }) => name);
}

function union(before: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...before, ...more])];
}

/** No link-local address, so that no neighbour discovery runs; a kernel may lack IPv6 altogether. */
function quiet(link: string): string[] {
  return existsSync('/proc/net/if_inet6') ? [`link set ${link} addrgenmode none`] : [];
}
