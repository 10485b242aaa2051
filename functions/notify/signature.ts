import { createHmac } from 'node:crypto';

/**
 * Headers by which a receiver knows who sent a webhook and that it is fresh: standardwebhooks.com,
 * signature scheme v1.
 * @param secret `whsec_` and the key in base64.
 * @param seconds Unix time of this attempt.
 */
export function signatureHeaders(
  secret: string,
  id: string,
  seconds: number,
  body: Buffer,
): Readonly<Record<string, string>> {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key)
    .update(`${id}.${seconds}.`)
    .update(body)
    .digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${signature}`,
  };
}
