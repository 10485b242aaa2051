import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { prometheusContentType } from '../functions/lib/metrics/prometheus-text.ts';

/** What the server shows. */
export interface AgentView {
  /** Whether the agent does its work. */
  ready(): boolean;
  ledger(): Promise<object>;
  /** In Prometheus' text format; undefined while another agent of the node counts. */
  metrics(): string | undefined;
}

/** The agent's read-only HTTP server. */
export interface AgentServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Where the server listens. */
export interface ListenOptions {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  /** Another agent may have the port, too: while it hands over. */
  readonly shared: boolean;
}

/** Serves `/health/live`, `/health/ready`, `/ledger` and `/metrics`; rejects when the port is taken. */
export async function startServer(listen: ListenOptions, view: AgentView): Promise<AgentServer> {
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url?.split('?', 1)[0] ?? '';
    if (incoming.method !== 'GET') {
      send(outgoing, 405, problem(405, 'CLV_ARGUMENT_INVALID', 'only GET is served'));
    } else if (path === '/health/live') {
      send(outgoing, 200, { status: 'live' });
    } else if (path === '/health/ready') {
      const ready = view.ready();
      send(outgoing, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready' });
    } else if (path === '/metrics') {
      const metrics = view.metrics();
      // Two agents share the port while one hands over: a scraper must not see the counters of both by turns.
      if (metrics === undefined)
        send(outgoing, 503, { status: 'another agent of this node counts' });
      else outgoing.writeHead(200, { 'content-type': prometheusContentType }).end(metrics);
    } else if (path === '/ledger') {
      view.ledger().then(
        (ledger) => send(outgoing, 200, ledger),
        (error: unknown) => send(outgoing, 500, problem(500, 'CLV_INTERNAL', String(error))),
      );
    } else {
      send(outgoing, 404, problem(404, 'CLV_NOT_FOUND', `nothing at ${path}`));
    }
  });
  server.listen({ host: listen.host, port: listen.port, reusePort: listen.shared });
  await once(server, 'listening');
  return {
    port: portOf(server.address()),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function problem(status: number, code: string, title: string): object {
  return { status, code, title };
}

function send(outgoing: ServerResponse, status: number, body: object): void {
  const type = status < 400 || !('code' in body) ? 'application/json' : 'application/problem+json';
  outgoing.writeHead(status, { 'content-type': type }).end(`${JSON.stringify(body)}\n`);
}
