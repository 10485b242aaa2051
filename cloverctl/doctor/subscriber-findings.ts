import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { subscribersOf } from '../installation/broker-channel.ts';
import { titleOf, type Place } from '../installation/collections.ts';
import { findLive } from '../installation/live-object.ts';
import type { Finding } from './finding.ts';

const subscriptions = z.object({
  items: z.array(z.object({ metadata: z.object({ uid: z.string() }) })),
});

/**
 * Whether Brokers deliver to who has subscribed, and to nobody else. Where Eventing makes several Subscriptions of a Broker anew at a time,
 * as when `authentication-oidc` changes, its channel keeps some of those that it has deleted.
 */
export async function subscriberFindings(
  client: KubeClient,
  namespace: string,
  brokers: readonly Place[],
): Promise<readonly Finding[]> {
  const path = `/apis/messaging.knative.dev/v1/namespaces/${namespace}/subscriptions`;
  const findings: Finding[] = [];
  for (const place of brokers) {
    const broker = await findLive(client, place);
    // Before what they are of, which may be made meanwhile.
    const subscribers = broker && (await subscribersOf(client, place, broker));
    if (subscribers === undefined) continue;
    const { items } = subscriptions.parse(await client.call({ method: 'GET', path }));
    const known = new Set(items.map(({ metadata: { uid } }) => uid));
    const stale = subscribers.filter((uid) => !known.has(uid)).length;
    const check = `subscribers of ${titleOf(place)}`;
    if (stale === 0) {
      findings.push({ check, state: 'good', found: `${subscribers.length}` });
      continue;
    }
    const found = `${stale} of ${subscribers.length} are of Subscriptions that are no more: their events come twice, and with authentication-oidc become dead letters`;
    const fix = `kubectl delete brokers.eventing.knative.dev ${place.name} -n ${namespace}, then cloverctl upgrade, which makes it anew`;
    findings.push({ check, state: 'doubtful', found, fix });
  }
  return findings;
}
