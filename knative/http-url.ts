import { z } from 'zod';

/**
 * Where something answers over HTTP. A user and a password are no part of it: they would stand where no secret is looked for, and
 * `fetch` takes no such URL (https://fetch.spec.whatwg.org/#request-class).
 */
export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
  .refine(hasNoCredentials, {
    // The value is not shown: it has a secret.
    error: 'must be without a user and a password, such as "https://receiver.example/path"',
  });

function hasNoCredentials(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}
