import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ip } from '../../../cloverctl/supervisor/links.ts';
import type { RunFolder } from '../../../cloverctl/supervisor/run-record.ts';
import { linkPrefix, overlaps, planCount, planOf, type NetworkPlan } from './plan.ts';

const run = promisify(execFile);
const route = z.object({ dst: z.string() });

/** A network namespace for a node, with a link to the machine. */
export interface NodeNetwork extends NetworkPlan {
  readonly namespace: string;
}

/**
 * Makes a namespace with a range of addresses that nothing else here uses. It has no way out of the machine: what it has no
 * address for is unreachable, and so is, on the machine, what the range has no address for.
 * @throws Error when every range is in use.
 */
export async function makeNetwork(folder: RunFolder): Promise<NodeNetwork> {
  const plan = await claim(folder);
  const { link, host, node, pods, services } = plan;
  const namespace = basename(folder.path);
  folder.update(({ namespaces, links }) => ({
    namespaces: [...namespaces, namespace],
    links: [...links, link],
  }));
  await folder.make(async () => {
    await ip([
      `netns add ${namespace}`,
      `link add ${link} type veth peer name eth0 netns ${namespace}`,
      `address add ${host}/${linkPrefix} dev ${link}`,
      `link set ${link} up`,
    ]);
    await ip(
      [
        'link set lo up',
        `address add ${node}/${linkPrefix} dev eth0`,
        'link set eth0 up',
        // The kernel asks for a route before it lets kube-proxy's rules give a packet another destination.
        `route add ${services} dev eth0`,
      ],
      namespace,
    );
    await ip([`route add ${pods} via ${node}`, `route add ${services} via ${node}`]);
    // By default the kernel tells a pod once a second that an address is unreachable, and lets it wait for others.
    const settings = 'echo 1 >ip_forward; echo 0 >icmp_ratelimit';
    await run('nsenter', [
      `--net=/run/netns/${namespace}`,
      'sh',
      '-euc',
      `cd /proc/sys/net/ipv4; ${settings}`,
    ]);
  });
  return { ...plan, namespace };
}

/** The kernel takes a route once: who adds it has the range. */
async function claim(folder: RunFolder): Promise<NetworkPlan> {
  const { stdout } = await run('ip', ['-j', '-4', 'route', 'show', 'table', 'all']);
  const taken = z
    .array(route)
    .parse(JSON.parse(stdout))
    .flatMap(({ dst }) => (dst === 'default' ? [] : [dst]));
  for (let index = 0; index < planCount; index += 1) {
    const plan = planOf(index);
    if (taken.some((range) => overlaps(range, plan.block))) continue;
    const claimed = `unreachable ${plan.block} metric 4096`;
    folder.update(({ routes }) => ({ routes: [...routes, claimed] }));
    try {
      await folder.make(() => ip([`route add ${claimed}`]));
      return plan;
    } catch (error) {
      // Another run was faster: the route is its own.
      folder.update(({ routes }) => ({ routes: routes.filter((one) => one !== claimed) }));
      if (!(error instanceof Error && error.message.includes('File exists'))) throw error;
    }
  }
  throw new Error(`each of the ${planCount} ranges from ${planOf(0).block} on is in use`);
}
