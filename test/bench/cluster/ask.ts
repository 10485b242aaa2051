import { request, type Agent } from 'node:http';

/** One request. */
export interface Ask {
  readonly url: string;
  /** The name by which a network layer knows a Service. */
  readonly host?: string;
  /** Default: GET without a body, POST with one. */
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: a connection of its own. */
  readonly agent?: Agent;
}

/**
 * Sends it, and reads the answer to its end.
 * @throws Error with the answer when it is not a 2xx, or of the connection.
 */
export function ask({ url, host, body, headers = {}, agent }: Ask): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...headers,
        ...(host !== undefined && { host }),
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      },
      agent: agent ?? false,
    });
    call.once('error', reject).once('response', (response) => {
      const { statusCode = 0 } = response;
      const parts: Buffer[] = [];
      response
        .on('data', (part: Buffer) => parts.push(part))
        .once('error', reject)
        .once('end', () => {
          if (statusCode >= 200 && statusCode < 300) resolve();
          else {
            const said = Buffer.concat(parts).toString('utf8', 0, 500);
            reject(new Error(`${host ?? url} answered ${statusCode}: ${said}`));
          }
        });
    });
    call.end(body);
  });
}

/** Headers of an event in the binary mode of HTTP. */
export function eventHeaders(
  attributes: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const all = Object.entries({ specversion: '1.0', ...attributes });
  return Object.fromEntries(all.map(([name, value]) => [`ce-${name}`, value]));
}
