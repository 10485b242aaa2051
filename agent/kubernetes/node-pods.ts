import type { Logger } from 'pino';
import type { Clock } from '../../functions/lib/clock.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { OpenPodDirectory } from '../pod-directory.ts';
import { followCollection } from './collection.ts';
import type { Locator } from './locator.ts';
import { readPod } from './pod-object.ts';

/** What {@link nodePods} needs. */
export interface NodePodsOptions {
  readonly client: KubeClient;
  /** Name of the node. */
  readonly node: string;
  readonly locator: Locator;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/** The pods that Kubernetes has bound to a node. */
export function nodePods({ node, locator, ...needs }: NodePodsOptions): OpenPodDirectory {
  return (onChange) => {
    const pods = followCollection({
      ...needs,
      path: '/api/v1/pods',
      fieldSelector: `spec.nodeName=${node}`,
      read: readPod,
      onChange,
    });
    return {
      pods: () => pods.items(),
      locate: (uids) => locator.locate((pods.items() ?? []).filter(({ uid }) => uids.has(uid))),
      get failed() {
        return pods.failed;
      },
      stop: () => pods.stop(),
    };
  };
}
