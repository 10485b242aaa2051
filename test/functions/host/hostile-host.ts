import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { listenOnLoopback, temporaryFolder } from './helpers.ts';
import { rawPost, sendRaw, type Field, type RawAnswer } from './raw-request.ts';

const token = 'token-of-the-hostile';
const program = fileURLToPath(new URL('fixtures/hostile-process.ts', import.meta.url));
const report = z.strictObject({ handled: z.number(), peakBytes: z.number() });

/** A host in a process of its own, whose functions send on what they get. */
export interface HostileHost {
  readonly post: (
    path: string,
    fields: readonly Field[],
    body: Buffer,
  ) => Promise<RawAnswer | undefined>;
  /** Sends bytes as they are, and nothing more. */
  readonly send: (bytes: Uint8Array) => Promise<RawAnswer | undefined>;
  /** A POST with the token, to be cut or sent as it is. */
  readonly request: (path: string, fields: readonly Field[], body: Buffer) => Buffer;
  /** Events that came to a handler, and the most memory that the process had so far. */
  readonly report: () => Promise<z.infer<typeof report>>;
  /** Events that came to the sink behind its functions, as a reader of the specification finds them. */
  readonly arrived: CloudEvent[];
  /** Fails the test unless the process still answers. */
  readonly isAlive: () => Promise<void>;
}

/** Starts one for the time of the test. */
export async function startHostile(t: ExecutionContext): Promise<HostileHost> {
  const arrived: CloudEvent[] = [];
  const sink = createServer((request, response) => {
    const take = async (): Promise<void> => {
      arrived.push(eventOf(request.headers, await buffer(request)));
      response.writeHead(202).end();
    };
    void take();
  });
  const port = await listenOnLoopback(sink);
  const url = `http://127.0.0.1:${port}/`;
  const child = fork(program, [await temporaryFolder(t), token, url], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
    sink.close();
    sink.closeAllConnections();
  });
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (data: Buffer) => resolve(data.toString().trim()));
    child.once('exit', () => reject(new Error('the host ended')));
  });
  const hostPort = Number(new URL(address).port);
  const request: HostileHost['request'] = (path, fields, body) =>
    rawPost(path, [['authorization', `Bearer ${token}`], ...fields], body);
  const send = (bytes: Uint8Array): Promise<RawAnswer | undefined> =>
    sendRaw(hostPort, bytes, 'ends');
  return {
    arrived,
    request,
    send,
    post: (path, fields, body) => sendRaw(hostPort, request(path, fields, body)),
    report: async () => {
      const answer = new Promise<unknown>((resolve) => {
        child.once('message', (message: unknown) => resolve(message));
      });
      child.send('report');
      return report.parse(await answer);
    },
    isAlive: async () => {
      t.is(child.exitCode, null, 'the process ended');
      t.is((await fetch(`${address}/health/ready`)).status, 200);
    },
  };
}

/** Reads an event in binary mode by the specification's words alone. */
function eventOf(headers: Readonly<Record<string, unknown>>, data: Buffer): CloudEvent {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('ce-')) attributes[name.slice(3)] = decodeURIComponent(String(value));
  }
  const contentType = headers['content-type'];
  if (typeof contentType === 'string') attributes['datacontenttype'] = contentType;
  const { id = '', source = '', type = '', specversion, ...others } = attributes;
  if (specversion !== '1.0') throw new TypeError('no event');
  const { subject, time, datacontenttype, dataschema, ...extensions } = others;
  return {
    specversion,
    id,
    source,
    type,
    ...(subject === undefined ? {} : { subject }),
    ...(time === undefined ? {} : { time }),
    ...(datacontenttype === undefined ? {} : { datacontenttype }),
    ...(dataschema === undefined ? {} : { dataschema }),
    extensions,
    data,
  };
}
