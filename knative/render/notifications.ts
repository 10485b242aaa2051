import { webhookEntry, webhookName } from '../catalogue.ts';
import type { Installation } from './installation.ts';
import { knativeTrigger } from './trigger.ts';

type Whole = Pick<Installation, 'notifications'>;

/** Where the container finds the secrets, each in a file that is called as the webhook's function. */
export const webhooksMount = '/etc/clover/webhooks';

/** The webhooks as `functions/host/notifications-config.ts` reads them. */
export function notificationsConfiguration({ notifications }: Whole): readonly object[] {
  return notifications.map(({ url, signingSecret, types }) => ({
    url,
    ...(signingSecret && { secret: { file: `${webhooksMount}/${webhookName(url)}` } }),
    ...(types && { types }),
  }));
}

/** The volume of the secrets; none where nothing is signed. */
export function webhookVolumes({ notifications }: Whole) {
  const sources = notifications.flatMap(({ url, signingSecret }) => {
    if (signingSecret === undefined) return [];
    const { name, key } = signingSecret;
    return [{ secret: { name, items: [{ key, path: webhookName(url) }] } }];
  });
  return sources.length === 0 ? [] : [{ name: 'webhooks', projected: { sources } }];
}

/** Where a container of {@link webhookVolumes} has it. */
export function webhookMounts(installation: Whole) {
  return webhookVolumes(installation).map(({ name }) => ({
    name,
    mountPath: webhooksMount,
    readOnly: true,
  }));
}

/** The Triggers of webhooks: `notify` signs and sends, each with a queue of its own. */
export function webhookTriggers(installation: Installation) {
  return installation.notifications.flatMap(({ url, types }) => {
    const { name, triggers } = webhookEntry(webhookName(url), types);
    return triggers.map((trigger) => {
      // Knative refuses this unless its feature delivery-retryafter is on.
      const { retryAfterMax: _, ...delivery } = trigger.delivery;
      const wanted = { ...trigger, delivery };
      return knativeTrigger(installation, 'notify', wanted, `/functions/${name}`);
    });
  });
}
