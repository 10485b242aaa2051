import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { createBodyPace } from '../../../functions/host/body-pace.ts';
import { listenOnLoopback, until } from './helpers.ts';

/** A request whose body is under way, on a server that reads it unless it is told not to. */
async function begin(
  t: ExecutionContext,
  listener: (request: IncomingMessage, response: ServerResponse) => void = (request) =>
    request.resume(),
): Promise<{ readonly caller: Socket; readonly response: ServerResponse }> {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  const server = createServer((request, response) => {
    listener(request, response);
    resolve(response);
  });
  const port = await listenOnLoopback(server);
  const caller = connect(port, '127.0.0.1');
  caller.on('error', () => undefined);
  t.teardown(() => {
    caller.destroy();
    server.close();
    server.closeAllConnections();
  });
  caller.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n');
  return { caller, response: await promise };
}

/** Sends bytes of the body, until the server has them. */
async function send(caller: Socket, { req }: ServerResponse, count: number): Promise<void> {
  const before = req.socket.bytesRead;
  caller.write('x'.repeat(count));
  await until(() => req.socket.bytesRead === before + count && req.readableLength === 0);
}

const paceOf = (response: ServerResponse) => {
  const slow: ServerResponse[] = [];
  const onSlow = (found: ServerResponse): void => void slow.push(found);
  const pace = createBodyPace({ open: [response], windowMs: 1_000, bytes: 100, onSlow });
  return { slow, sweep: (now: number): void => pace.sweep(now) };
};

test('a body that stands still for a window is slow', async (t) => {
  const { caller, response } = await begin(t);
  const { sweep, slow } = paceOf(response);
  sweep(0);
  await send(caller, response, 100);
  sweep(999);
  sweep(1_000);
  t.deepEqual(slow, [], 'it has the bytes of its first window');
  sweep(1_999);
  t.deepEqual(slow, []);
  sweep(2_000);
  t.deepEqual(slow, [response]);
});

test('a body that comes in drop by drop is slow, however much came first', async (t) => {
  const { caller, response } = await begin(t);
  const { sweep, slow } = paceOf(response);
  sweep(0);
  await send(caller, response, 50_000);
  sweep(1_000);
  for (let at = 1_010; at < 2_000; at += 10) {
    await send(caller, response, 1);
    sweep(at);
  }
  t.deepEqual(slow, []);
  sweep(2_000);
  t.deepEqual(slow, [response], 'ninety-nine bytes are one too few');
});

test('a body at the least pace is never slow', async (t) => {
  const { caller, response } = await begin(t);
  const { sweep, slow } = paceOf(response);
  for (let at = 0; at <= 10_000; at += 500) {
    sweep(at);
    await send(caller, response, 50);
  }
  t.deepEqual(slow, []);
});

test('what the server does not read, or has answered, is not held against the sender', async (t) => {
  const unread = await begin(t, () => undefined);
  const stuffed = await begin(t, (request) => request.on('data', () => request.pause()));
  const answered = await begin(t, (request, response) => {
    request.resume();
    response.writeHead(200).write('a');
  });
  stuffed.caller.write('x'.repeat(300_000));
  await until(() => stuffed.response.req.readableLength > 0);
  for (const { response } of [unread, stuffed, answered]) {
    const { sweep, slow } = paceOf(response);
    for (const at of [0, 1_000, 2_000, 9_000]) sweep(at);
    t.deepEqual(slow, []);
  }
});
