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

/** How a post was answered. */
export interface Posted {
  /** 0: the host had closed the kept connection before the request came (RFC 9112 §9.3.1), so it was never accepted. */
  readonly status: number;
  /** Whether the connection ends with it. */
  readonly last: boolean;
}

/** Posts an event in binary mode. */
export function postEvent(url: string, event: CloudEvent, agent: Agent): Promise<Posted> {
  const [headers, body] = [eventHeaders(event), event.data];
  return new Promise((resolve, reject) => {
    const call = request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, authorization: `Bearer ${token}`, 'content-length': body.length },
    });
    call.on('error', (error: NodeJS.ErrnoException) => {
      const closed = call.reusedSocket && ['ECONNRESET', 'EPIPE'].includes(error.code ?? '');
      if (closed) resolve({ status: 0, last: true });
      else reject(error);
    });
    call.on('response', (response) => {
      response.resume();
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          last: response.headers.connection === 'close',
        }),
      );
    });
    call.end(body);
  });
}
