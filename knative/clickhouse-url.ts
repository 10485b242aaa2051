import { z } from 'zod';

/**
 * Where ClickHouse answers over HTTP: scheme, host and port alone. What else a URL may say, its client would take over the settings
 * that are for it, and a password would stand where no secret is looked for.
 * https://clickhouse.com/docs/integrations/javascript#url-configuration
 * @param settings by which user, password and database are said.
 */
export function clickHouseUrl(settings: string): z.ZodType<string, string> {
  return z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .refine(isOrigin, {
      // The value is not shown: it may have a password.
      error: `must be scheme, host and port alone, such as "http://clickhouse:8123": say user, password and database with ${settings}`,
    });
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, pathname, search, hash } = new URL(text);
  return [username, password, search, hash].every((part) => part === '') && pathname === '/';
}
