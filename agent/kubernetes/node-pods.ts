import type { Logger } from 'pino';
import type { Clock } from '../../functions/lib/clock.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import type { PortHint } from '../../native/capture/trace-settings.ts';
import type { OpenPodDirectory, Pod } from '../pod-directory.ts';
import { followCollection, type Collection } from './collection.ts';
import type { Locator } from './locator.ts';
import { readPod, type KubePod } from './pod-object.ts';
import { portHints } from './port-hints.ts';
import { readService, type KubeService } from './service-object.ts';

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

/**
 * The pods that Kubernetes has bound to a node, and what its Services say of their ports. Services are followed only while a pod is
 * asked for: a node on which nothing is traced has nothing to tell by them.
 */
export function nodePods({ node, locator, ...needs }: NodePodsOptions): OpenPodDirectory {
  return (onChange) => {
    /** Worked out when it is asked for: reading it is frequent, and changes are not. */
    let known: readonly Pod[] | undefined;
    const changed = (): void => {
      known = undefined;
      onChange();
    };
    const pods = followCollection({
      ...needs,
      path: '/api/v1/pods',
      fieldSelector: `spec.nodeName=${node}`,
      read: readPod,
      onChange: changed,
    });
    let services: Collection<KubeService> | undefined;
    let failedBefore = 0;
    let ended = Promise.resolve();

    const stopServices = (): void => {
      if (services === undefined) return;
      failedBefore += services.failed;
      const stopped = services.stop();
      ended = ended.then(() => stopped);
      services = undefined;
      known = undefined;
    };
    const follow = (wanted: boolean): void => {
      if (!wanted) stopServices();
      else
        services ??= followCollection({
          ...needs,
          path: '/api/v1/services',
          read: readService,
          onChange: changed,
        });
    };
    const withHints = (): readonly Pod[] | undefined => {
      const byNamespace = Map.groupBy(services?.items() ?? [], ({ namespace }) => namespace);
      const hintsOf = (pod: KubePod): readonly PortHint[] =>
        portHints(pod, byNamespace.get(pod.namespace) ?? []);
      return pods.items()?.map((pod): Pod => {
        const { namespace, name, uid, labels } = pod;
        return { namespace, name, uid, labels, hints: hintsOf(pod) };
      });
    };

    return {
      pods: () => (known ??= withHints()),
      locate(uids) {
        follow(uids.size > 0);
        return locator.locate((pods.items() ?? []).filter(({ uid }) => uids.has(uid)));
      },
      get failed() {
        return pods.failed + failedBefore + (services?.failed ?? 0);
      },
      async stop() {
        stopServices();
        await Promise.all([pods.stop(), ended]);
      },
    };
  };
}
