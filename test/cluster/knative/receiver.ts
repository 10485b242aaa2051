import { createServer, request } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** An event in the binary mode of HTTP, as it came. */
export interface Received {
  /** Attributes and extensions: headers `ce-…` without that. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly data: string;
}

/** Takes every event, and keeps it. */
export interface Receiver {
  /** Where pods reach it. */
  readonly url: string;
  readonly events: readonly Received[];
  /**
   * The first event that fits, also one that has been there.
   * @throws Error with the types that came when there is none in two minutes.
   */
  first(fits: (event: Received) => boolean): Promise<Received>;
  close(): void;
}

/** What a server has answered. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

const withinMs = 120_000;

/**
 * Starts a receiver at an address of this machine.
 * @param answer status that an event gets, given those before it.
 */
export async function startReceiver(
  address: string,
  answer: (event: Received, before: readonly Received[]) => number = () => 202,
): Promise<Receiver> {
  const events: Received[] = [];
  const server = createServer((incoming, response) => {
    const keep = async (): Promise<void> => {
      const data = await text(incoming);
      const attributes = Object.fromEntries(
        Object.entries(incoming.headers).flatMap(([name, value]) =>
          name.startsWith('ce-') && typeof value === 'string' ? [[name.slice(3), value]] : [],
        ),
      );
      const event = { attributes, data };
      const status = answer(event, events);
      events.push(event);
      response.writeHead(status).end();
    };
    void keep();
  });
  server.listen(0, address);
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return {
    url: `http://${address}:${bound.port}/`,
    events,
    first: async (fits) => {
      const until = Date.now() + withinMs;
      for (;;) {
        const found = events.find(fits);
        if (found !== undefined) return found;
        if (Date.now() > until) {
          const types = events.map(({ attributes }) => attributes['type']);
          throw new Error(`no such event in two minutes; there were: ${types.join(', ')}`);
        }
        await sleep(50);
      }
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Sends an event in the binary mode. */
export function sendEvent(
  url: string,
  attributes: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
  data = '{}',
): Promise<Answer> {
  const own = Object.entries({ specversion: '1.0', source: '/test', ...attributes });
  const asked = request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...Object.fromEntries(own.map(([name, value]) => [`ce-${name}`, value])),
      ...headers,
    },
  });
  const answered = new Promise<Answer>((resolve, reject) => {
    asked.once('error', reject);
    asked.once('response', (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
  });
  asked.end(data);
  return answered;
}
