import type { Logger } from 'pino';
import type { Clock } from '../functions/lib/clock.ts';
import { monotonicMs } from '../functions/lib/monotonic.ts';
import { createKubeClient } from '../functions/resources/kubernetes/client.ts';
import { inClusterConnection, namespaceIn } from '../functions/resources/kubernetes/connection.ts';
import type { Guard } from '../functions/resources/kubernetes/guard.ts';
import { createKubernetesGuard } from '../functions/resources/kubernetes/kubernetes-guard.ts';
import type { ProcessLink } from '../native/capture/types.ts';
import type { AgentConfig } from './config.ts';
import { httpTo } from './http-to.ts';
import { clusterTaps } from './kubernetes/cluster-taps.ts';
import { createLocator } from './kubernetes/locator.ts';
import { nodePods } from './kubernetes/node-pods.ts';
import { cgroupRoots, podCgroups } from './kubernetes/pod-cgroups.ts';
import { podProcesses } from './kubernetes/pod-processes.ts';
import type { OpenPodDirectory } from './pod-directory.ts';
import { podFile } from './pod-file.ts';
import type { OpenTapList } from './tap-list.ts';
import { tapPoll } from './tap-poll.ts';

/** Where pods and Taps are known from. */
export interface Sources {
  readonly openPods: OpenPodDirectory;
  readonly openTaps: OpenTapList;
  /** Asks the cluster what callers may do, where there is one. */
  readonly guard?: Guard;
}

/** What {@link openSources} needs. */
export interface SourceNeeds {
  /** Index of a network interface, undefined when there is none. */
  readonly ifindexOf: (name: string) => number | undefined;
  /** See `processLinks`. */
  readonly linksOf: (pid: number) => readonly ProcessLink[] | 'own' | undefined;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * The sources that the configuration names; nothing is asked yet.
 * @throws CloverError CLV_CONFIG_INVALID where there is no service account.
 */
export function openSources({ source, node }: AgentConfig, needs: SourceNeeds): Sources {
  const { ifindexOf, linksOf, clock, random, log } = needs;
  if ('podsFile' in source) {
    return {
      openPods: podFile({ file: source.podsFile, ifindexOf, log }),
      openTaps: tapPoll(httpTo(source.api), log),
    };
  }
  const { accountFolder: folder, env } = source.kubernetes;
  const client = createKubeClient(inClusterConnection({ env, folder, monotonicMs }));
  const following = { client, clock, random, log };
  const processes = podProcesses();
  const cgroups = podCgroups({ roots: cgroupRoots(), nowMs: monotonicMs });
  const locator = createLocator({
    processes,
    cgroups,
    linksOf,
    ifindexOf,
    nowMs: monotonicMs,
    log,
  });
  return {
    openPods: nodePods({ ...following, node: node.name, locator }),
    openTaps: clusterTaps(following),
    guard: createKubernetesGuard(client, {
      log,
      namespace: () => namespaceIn(folder),
    }),
  };
}
