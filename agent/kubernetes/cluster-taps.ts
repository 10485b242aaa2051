import type { Logger } from 'pino';
import type { Clock } from '../../functions/lib/clock.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { readTap, type KnownTap, type OpenTapList } from '../tap-list.ts';
import { followCollection } from './collection.ts';

/** What {@link clusterTaps} needs. */
export interface ClusterTapsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

/**
 * The Taps of a cluster, by a watch of their own. Asking Clover's API, as agents without Kubernetes do, would take a request a
 * second from each node, and would never let its function rest; a watch of what changes a few times a day takes none.
 */
export function clusterTaps(needs: ClusterTapsOptions): OpenTapList {
  return (onChange) => {
    /** The same list as long as none has changed. */
    let known: readonly KnownTap[] | undefined;
    const taps = followCollection({
      ...needs,
      path: '/apis/clover.dev/v1alpha1/taps',
      read: readTap,
      onChange() {
        known = undefined;
        onChange();
      },
    });
    return {
      taps: () => (known ??= taps.items()),
      get failed() {
        return taps.failed;
      },
      stop: () => taps.stop(),
    };
  };
}
