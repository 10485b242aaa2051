import { createServer } from 'node:http';
import { CloverError } from '../functions/lib/errors.ts';
import {
  listen,
  pathOf,
  sendError,
  sendJson,
  sendMetrics,
  type AgentServer,
  type ListenOptions,
} from './http-server.ts';

/** What the server shows. */
export interface AgentView {
  /** Whether the agent does its work. */
  ready(): boolean;
  ledger(): Promise<object>;
  /** In Prometheus' text format; undefined while another agent of the node counts. */
  metrics(): string | undefined;
}

/**
 * The agent's read-only HTTP server for its own machine, which asks nobody who they are: `/health/live`, `/health/ready`, `/ledger` and
 * `/metrics`. Rejects when the port is taken.
 */
export async function startServer(options: ListenOptions, view: AgentView): Promise<AgentServer> {
  const server = createServer((incoming, outgoing) => {
    const path = pathOf(incoming);
    if (incoming.method !== 'GET') {
      sendError(outgoing, new CloverError('CLV_METHOD_NOT_ALLOWED', 'only GET is served'));
    } else if (path === '/health/live') {
      sendJson(outgoing, 200, { status: 'live' });
    } else if (path === '/health/ready') {
      const ready = view.ready();
      sendJson(outgoing, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready' });
    } else if (path === '/metrics') {
      const metrics = view.metrics();
      // Two agents share the port while one hands over: a scraper must not see the counters of both by turns.
      if (metrics === undefined)
        sendJson(outgoing, 503, { status: 'another agent of this node counts' });
      else sendMetrics(outgoing, metrics);
    } else if (path === '/ledger') {
      view.ledger().then(
        (ledger) => sendJson(outgoing, 200, ledger),
        (error: unknown) => sendError(outgoing, new CloverError('CLV_INTERNAL', String(error))),
      );
    } else {
      sendError(outgoing, new CloverError('CLV_NOT_FOUND', `nothing at ${path}`));
    }
  });
  return listen(server, options);
}
