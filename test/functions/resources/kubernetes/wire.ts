import { createServer, type ServerResponse } from 'node:http';
import { Agent } from 'node:https';
import { json } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import {
  createKubeClient,
  type KubeClient,
} from '../../../../functions/resources/kubernetes/client.ts';
import type { KubeConnection } from '../../../../functions/resources/kubernetes/connection.ts';
import { listenOnLoopback } from '../../host/helpers.ts';

/** A request as the server on the wire has it. */
export interface Asked {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Undefined: there is none. */
  readonly body: unknown;
}

/** Answers a request. */
export type Answer = (response: ServerResponse, asked: Asked) => unknown;

/** A server in the place of a Kubernetes API, for what a real one cannot be brought to: answers that are late, cut off or no answers. */
export interface Wire {
  readonly connection: KubeConnection;
  readonly client: KubeClient;
  /** All requests so far. */
  readonly asked: readonly Asked[];
  /** How long its client waited before it asked a busy server again, in milliseconds: it does not really wait. */
  readonly waits: readonly number[];
}

/** Starts one that answers as `answerTo` says, gone with the test. */
export async function onWire(
  t: ExecutionContext,
  answerTo: (asked: Asked, count: number) => Answer,
): Promise<Wire> {
  const asked: Asked[] = [];
  const waits: number[] = [];
  const server = createServer((request, response) => {
    const take = async (): Promise<void> => {
      const { method = '', url = '', headers } = request;
      const { pathname: path, searchParams } = new URL(url, 'http://localhost');
      const body = headers['content-length'] === undefined ? undefined : await json(request);
      const one = { method, path, query: Object.fromEntries(searchParams), headers, body };
      asked.push(one);
      await answerTo(one, asked.length)(response, one);
    };
    take().catch((error: unknown) => {
      t.fail(String(error));
      // Not destroyed: a client that asks again when a connection breaks would do so for ever.
      response.writeHead(500).end();
    });
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const agent = new Agent();
  const connection = {
    server: new URL(`http://127.0.0.1:${port}`),
    options: async () => ({ agent, headers: {} }),
  };
  const sleep = async (ms: number): Promise<void> => {
    waits.push(ms);
  };
  return { connection, client: createKubeClient(connection, { sleep }), asked, waits };
}

/** The client, for which a fifth of a second without a word is a dead connection. */
export function impatient(client: KubeClient): KubeClient {
  return {
    ...client,
    lines: (call, signal) => client.lines({ ...call, silenceMs: 200 }, signal),
  };
}

/** Answers one after the other; what is asked behind the last one fails the test. */
export function inTurn(...answers: readonly Answer[]): (asked: Asked, count: number) => Answer {
  return ({ method, path }, count) => {
    const answer = answers[count - 1];
    if (answer === undefined) throw new Error(`nobody expects ${method} ${path}`);
    return answer;
  };
}

/** An answer with a body of JSON. */
export function reply(body: unknown, code = 200, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(code, headers).end(JSON.stringify(body));
}

/** A refusal as Kubernetes words it. */
export function refusal(code: number, message = 'no', details: object = {}): Answer {
  return reply(
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message, details },
    code,
  );
}

const written = z.looseObject({ metadata: z.looseObject({}) });

/** The object that an apply makes, of its body. */
export function appliedObject(body: unknown, resourceVersion = '2'): object {
  const { metadata, ...rest } = written.parse(body);
  return { ...rest, metadata: { uid: 'u', ...metadata, resourceVersion } };
}

/** The answer to a write that was done: the object, with what the server adds to its metadata. */
export function applied(body: unknown, resourceVersion = '2'): Answer {
  return reply(appliedObject(body, resourceVersion));
}

/** A page of a collection. */
export function listed(items: readonly unknown[], resourceVersion: string, next?: string): Answer {
  return reply({ metadata: { resourceVersion, ...(next && { continue: next }) }, items });
}

/** An open watch that has told something; with `cut` its connection breaks behind that, else it stays open. */
export function told(lines: readonly object[], cut = false): Answer {
  return (response) => {
    response.writeHead(200).flushHeaders();
    const text = lines.map((one) => `${JSON.stringify(one)}\n`).join('');
    response.write(text, () => {
      if (cut) response.destroy();
    });
  };
}

/** A line of a watch. */
export function line(
  type: string,
  name: string,
  resourceVersion: string,
  more: object = {},
): object {
  return {
    type,
    object: { metadata: { name, namespace: 'shop', uid: name, resourceVersion }, ...more },
  };
}

/** The last line of a watch whose past the server has forgotten. */
export const goneLine = {
  type: 'ERROR',
  object: { kind: 'Status', code: 410, message: 'too old resource version' },
};
