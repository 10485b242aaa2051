import { request } from 'node:http';
import { text } from 'node:stream/consumers';

/** What a client outside of the cluster hears. */
export interface Outside {
  readonly status: number | undefined;
  /** The last proxy that the answer went through. */
  readonly server: string;
  readonly body: string;
}

/** Asks an address for a host, over a connection of its own. */
export async function askFromOutside(
  address: string,
  port: number,
  host: string,
): Promise<Outside> {
  const answered = Promise.withResolvers<Outside>();
  const asked = request({ host: address, port, headers: { host } }, (response) => {
    const { statusCode: status, headers } = response;
    const server = String(headers['server']);
    text(response).then(
      (body) => answered.resolve({ status, server, body: body.trim() }),
      answered.reject,
    );
  });
  asked.on('error', answered.reject).end();
  return answered.promise;
}
