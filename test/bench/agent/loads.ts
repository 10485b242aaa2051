import type { Bed } from '../lib/bed.ts';
import { h2load, type H2load } from '../lib/h2load.ts';
import type { Nginx } from '../lib/nginx.ts';

/** Resolves to the requests per second. */
export type Load = () => Promise<number>;

const loadOf =
  ({ network, signal }: Bed, nginx: Nginx, one: Omit<H2load, 'url'>): Load =>
  () => {
    const port = one.http1 ? nginx.port : nginx.http2Port;
    return h2load(
      network.client,
      { ...one, url: `http://${network.server.address}:${port}/` },
      signal,
    );
  };

/** HTTP/1 at 5,000 requests a second, unless it is said otherwise. */
export const pacedLoad = (
  bed: Bed,
  nginx: Nginx,
  { connections = 50, requests = 25_000, perSecond = 5_000 } = {},
): Load => loadOf(bed, nginx, { http1: true, connections, streams: 1, requests, perSecond });

/** Loads of h2load after which nothing is in flight, so that nginx and the agent must count the same. */
export function loadsOf(bed: Bed, nginx: Nginx): ReadonlyMap<string, Load> {
  const http2 = (streams: number, requests: number): [string, Load] => [
    `http2Streams${streams}`,
    loadOf(bed, nginx, { http1: false, connections: 8, streams, requests }),
  ];
  const pipelined = (streams: number): [string, Load] => [
    `http1Pipelined${streams}`,
    loadOf(bed, nginx, { http1: true, connections: 32, streams, requests: 100_000 }),
  ];
  return new Map([
    ['http1At5kPerSecond', pacedLoad(bed, nginx)],
    ...[1, 8, 64].map(pipelined),
    http2(1, 50_000),
    ...[10, 100, 1_000].map((streams) => http2(streams, 100_000)),
  ]);
}
