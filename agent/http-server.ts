import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { prometheusContentType } from '../functions/lib/metrics/prometheus-text.ts';
import type { CloverError } from '../functions/lib/errors.ts';

/** Where a server of the agent listens. */
export interface ListenOptions {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  /** Another agent may have the port, too: while it hands over. */
  readonly shared: boolean;
}

/** A server of the agent that listens. */
export interface AgentServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens; rejects when the port is taken, or the address is none of the machine. */
export async function listen(
  server: Server,
  { host, port, shared }: ListenOptions,
): Promise<AgentServer> {
  server.listen({ host, port, reusePort: shared });
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

/** The path that was asked for, without its query. */
export const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?', 1)[0] ?? '';

/** Answers with JSON. */
export function sendJson(outgoing: ServerResponse, status: number, body: object): void {
  send(outgoing, status, 'application/json', `${JSON.stringify(body)}\n`);
}

/** Answers with metrics in Prometheus' text format. */
export function sendMetrics(outgoing: ServerResponse, text: string): void {
  send(outgoing, 200, prometheusContentType, text);
}

/** Answers with an error, as a problem document (RFC 9457). */
export function sendError(outgoing: ServerResponse, error: CloverError): void {
  const { code, message: title, retryAfter, status } = error;
  if (status === 401) outgoing.setHeader('www-authenticate', 'Bearer realm="clover"');
  if (status === 405) outgoing.setHeader('allow', 'GET');
  if (retryAfter !== undefined) outgoing.setHeader('retry-after', String(retryAfter));
  const problem = `${JSON.stringify({ status, code, title })}\n`;
  send(outgoing, status, 'application/problem+json', problem);
}

function send(outgoing: ServerResponse, status: number, type: string, text: string): void {
  outgoing.writeHead(status, { 'content-type': type }).end(text);
}
