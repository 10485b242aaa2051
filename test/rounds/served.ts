import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventHeaders } from '../../functions/lib/event-headers.ts';
import type { CloudEvent } from '../../functions/lib/cloud-event.ts';

const token = 'a-token-for-the-tests';
const program = fileURLToPath(
  new URL('../functions/host/fixtures/served-process.ts', import.meta.url),
);

/** A host with a broker in a process of its own. */
export interface Served {
  readonly url: string;
  readonly child: ChildProcess;
  readonly log: () => string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
}

/** Starts one on the data in a folder. */
export async function startServed(folder: string): Promise<Served> {
  const child = spawn(process.execPath, [program, folder, token], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  const ended = once(child, 'close').then(() => child.signalCode ?? child.exitCode);
  const first: unknown[] = await once(createInterface(child.stdout), 'line');
  return { url: String(first[0]), child, log: () => log, ended };
}

/** A caller with one connection, which it keeps as long as the host does. */
export const oneConnection = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 });

/** A caller with a new connection for every request. */
export const newConnections = (): Agent => new Agent({ keepAlive: false });

/** How a post was answered. */
export interface Posted {
  /**
   * 0: it was never accepted, because the host had closed the kept connection before the request came (RFC 9112 §9.3.1), or
   * listened no more.
   */
  readonly status: number;
  /** Whether the connection ends with it. */
  readonly last: boolean;
  readonly body: string;
}

/** Posts an event in binary mode. */
export function postEvent(url: string, event: CloudEvent, agent: Agent): Promise<Posted> {
  return post(url, eventHeaders(event), event.data, agent);
}

/** Posts events as a batch. */
export function postBatch(
  url: string,
  events: readonly CloudEvent[],
  agent: Agent,
): Promise<Posted> {
  const items = events.map(({ specversion, id, source, type, data }) => {
    const json: unknown = JSON.parse(data.toString());
    return { specversion, id, source, type, data: json };
  });
  const headers = { 'content-type': 'application/cloudevents-batch+json' };
  return post(url, headers, Buffer.from(JSON.stringify(items)), agent);
}

/** Whether a host says that it may be sent requests, as a load balancer asks it. */
export async function isReady(url: string, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(`${url}/health/ready`, { agent }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.on('error', () => resolve(false));
    call.end();
  });
}

function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  agent: Agent,
): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const call = request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, authorization: `Bearer ${token}`, 'content-length': body.length },
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      const wasClosed = call.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(error.code ?? '');
      if (wasClosed || error.code === 'ECONNREFUSED') resolve({ status: 0, last: true, body: '' });
      else reject(error);
    });
    call.on('response', (response) => {
      const { statusCode = 0, headers: answered } = response;
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: statusCode, last: answered.connection === 'close', body: text }),
      );
    });
    call.end(body);
  });
}
