import { z } from 'zod';
import { notificationReasons } from '../../knative/events.ts';
import { httpUrl } from '../../knative/http-url.ts';
import { parseConfig } from './parse-config.ts';
import { secretText } from './secret-text.ts';

const webhook = z.strictObject({
  url: httpUrl,
  /** Signs what is sent, by the Standard Webhooks convention; this, or the file that it is in: {"file": PATH}. */
  secret: secretText(
    z
      .string()
      .regex(
        /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/,
        'must be "whsec_" and 24 to 64 random bytes in base64',
      ),
  ).exactOptional(),
  /** Only notifications of these reasons. Default: all. */
  types: z.array(z.enum(notificationReasons)).min(1).exactOptional(),
});

/** Schema of the webhooks that are told what happens. */
export const notifications = z
  .array(webhook)
  .max(16)
  .refine((all) => new Set(all.map(({ url }) => url)).size === all.length, 'a URL stands twice');

/** Webhooks that are told what happens. */
export type Notifications = z.output<typeof notifications>;

/**
 * Reads a list of webhooks in JSON.
 * @throws CloverError CLV_CONFIG_INVALID; message and details name each bad key.
 */
export function parseNotifications(text: string): Notifications {
  return parseConfig(notifications, text, 'notifications');
}
