import type { Telemetry } from '../host/telemetry.ts';
import { CloverError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { KubeClient } from '../resources/kubernetes/client.ts';
import { ingressPath, keyOf, type Ingress } from './ingress-object.ts';

/**
 * Writes the status of an Ingress, if that is still the one that was read.
 * @returns false when it has to be tried again. What has changed meanwhile comes by its watch, and is judged anew.
 */
export type WriteStatus = (ingress: Ingress, status: Ingress['status']) => Promise<boolean>;

/** Makes a {@link WriteStatus}. Every controller writes: they come to the same status, and the slower one is told so. */
export function createStatusWriter(options: {
  readonly client: Pick<KubeClient, 'call'>;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'count'>;
}): WriteStatus {
  const { client, log, telemetry } = options;
  const count = (outcome: string): void =>
    telemetry.count('clover.ingress.statuses', 1, { outcome });
  return async ({ metadata }, status) => {
    try {
      await client.call({
        method: 'PATCH',
        path: `${ingressPath(metadata)}/status`,
        contentType: 'application/merge-patch+json',
        query: { fieldManager: 'clover-ingress' },
        body: { metadata: { resourceVersion: metadata.resourceVersion }, status },
      });
      count('written');
      return true;
    } catch (error) {
      if (!(error instanceof CloverError)) throw error;
      const isOutdated = error.code === 'CLV_CONFLICT' || error.code === 'CLV_NOT_FOUND';
      count(isOutdated ? 'outdated' : 'failed');
      if (!isOutdated)
        log.warn({ ingress: keyOf(metadata), err: error }, 'a status is not written');
      return isOutdated;
    }
  };
}
