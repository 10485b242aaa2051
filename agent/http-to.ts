import { createAuthorization } from '../functions/lib/authorization.ts';
import { monotonicMs } from '../functions/lib/monotonic.ts';
import type { Server } from './config.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';

/** A client of a configured server, with its token. */
export function httpTo({ url, token, tokenFile }: Server): HttpClient {
  return createHttpClient({
    url,
    authorization: createAuthorization({ token, tokenFile, monotonicMs }),
  });
}
