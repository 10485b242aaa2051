import { z } from 'zod';
import { notificationReasons } from '../events.ts';
import { httpUrl } from '../http-url.ts';
import { secretKey } from './installation-values.ts';

/** Webhooks that are told what happens to experiments and policies. */
export const notificationSettings = z
  .array(
    z.strictObject({
      url: httpUrl,
      /** Where the secret is that signs what is sent, by the Standard Webhooks convention. Default: nothing is signed. */
      signingSecret: secretKey.exactOptional(),
      /** Only notifications of these reasons. Default: all. */
      types: z.array(z.enum(notificationReasons)).min(1).exactOptional(),
    }),
  )
  .max(16)
  .refine((all) => new Set(all.map(({ url }) => url)).size === all.length, 'a URL stands twice')
  .default([]);
