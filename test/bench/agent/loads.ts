import type { Bed } from '../lib/bed.ts';
import { h2load, type H2load } from '../lib/h2load.ts';
import type { Nginx } from '../lib/nginx.ts';

/** Resolves to the requests per second. */
type Load = () => Promise<number>;

/** Loads of h2load after which nothing is in flight, so that nginx and the agent must count the same. */
export function loadsOf(bed: Bed, nginx: Nginx): ReadonlyMap<string, Load> {
  const { client, server } = bed.network;
  const load = (one: Omit<H2load, 'url'>): Load => {
    const port = one.http1 ? nginx.port : nginx.http2Port;
    return () => h2load(client, { ...one, url: `http://${server.address}:${port}/` }, bed.signal);
  };
  const http2 = (streams: number, requests: number): [string, Load] => [
    `http2Streams${streams}`,
    load({ http1: false, connections: 8, streams, requests }),
  ];
  const pipelined = (streams: number): [string, Load] => [
    `http1Pipelined${streams}`,
    load({ http1: true, connections: 32, streams, requests: 100_000 }),
  ];
  const paced = load({
    http1: true,
    connections: 50,
    streams: 1,
    requests: 25_000,
    perSecond: 5_000,
  });
  return new Map([
    ['http1At5kPerSecond', paced],
    ...[1, 8, 64].map(pipelined),
    http2(1, 50_000),
    ...[10, 100, 1_000].map((streams) => http2(streams, 100_000)),
  ]);
}
