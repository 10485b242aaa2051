import { once } from 'node:events';
import { createServer, request } from 'node:http';

/** A door to one function. */
export interface Door {
  readonly url: string;
  close(): void;
}

/**
 * Passes requests on to a function by its name, which is how a network layer of Knative knows it. On another cluster a name server or an
 * entry in /etc/hosts does it.
 * @param layer `host:port` of the network layer, for requests of the cluster.
 * @param host name of the function.
 */
export async function openDoor(layer: string, host: string): Promise<Door> {
  const server = createServer((incoming, response) => {
    const { method, url: path, headers } = incoming;
    const passed = request(`http://${layer}`, { method, path, headers: { ...headers, host } });
    passed.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    passed.on('error', () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(503).end();
    });
    response.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${bound.port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
