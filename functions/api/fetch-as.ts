import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Readable } from 'node:stream';

/**
 * Fetches as `fetch` does, with this name in `Host`, and for TLS: what stands at the address knows its services by their names, and
 * `fetch` always gives that of the address. No redirect is followed.
 */
export function fetchAs(host: string): (request: Request) => Promise<Response> {
  return async ({ url, method, headers, body, signal }) => {
    const ask = url.startsWith('https:') ? requestHttps : requestHttp;
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const asked = ask(url, {
      method,
      headers: { ...Object.fromEntries(headers), host },
      signal,
      servername: host.split(':', 1)[0],
    });
    asked.on('error', reject);
    asked.on('response', (answer) => {
      const { statusCode: status = 502, statusMessage: statusText = '' } = answer;
      const pairs = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      );
      // A response of these has no body, and says so where it is given one.
      const whole = [204, 205, 304].includes(status) ? null : Readable.toWeb(answer);
      resolve(new Response(whole, { status, statusText, headers: pairs }));
    });
    asked.end(body === null ? undefined : Buffer.from(await new Response(body).arrayBuffer()));
    return promise;
  };
}
