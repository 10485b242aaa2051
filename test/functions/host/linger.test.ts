import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { createLinger, type Linger } from '../../../functions/host/linger.ts';
import { handlersOf, listenOnLoopback, until } from './helpers.ts';
import { authorization, start } from './start-host.ts';

const mebibyte = 1024 * 1024;

/** A server that answers with 413 as soon as it has a head. */
async function refusing(
  t: ExecutionContext,
  options: { readonly connections?: number; readonly ms?: number; readonly bytes?: number },
): Promise<{ readonly linger: Linger; readonly caller: () => Socket }> {
  const open = new Set<ServerResponse>();
  const linger = createLinger({ open, ms: 600_000, ...options });
  const server = createServer((_request, response) => {
    open.add(response);
    response.once('close', () => open.delete(response));
    response.writeHead(413, { connection: 'close', 'content-length': '2' }).end('no');
  });
  server.on('connection', (socket: Socket) => linger.watch(socket));
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const caller = (): Socket => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.resume();
    socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n');
    return socket;
  };
  return { linger, caller };
}

test('who is refused while still sending gets the answer, and nothing of the body is taken', async (t) => {
  let handled = 0;
  const { port } = await start(t, {
    handlers: handlersOf(['direct'], async () => {
      handled += 1;
    }),
  });
  for (const [size, line, status] of [
    [8 * mebibyte, `authorization: ${authorization}\r\n`, '413'],
    [8 * mebibyte, '', '401'],
  ] as const) {
    const head = `POST /broker HTTP/1.1\r\nhost: x\r\n${line}content-length: ${size}\r\n\r\n`;
    // Nothing is read before all is sent, as simple clients do.
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const failed = new Promise<Error>((resolve) => {
      socket.once('error', resolve);
    });
    const sent = new Promise<void>((resolve) => {
      socket.write(head);
      socket.write(Buffer.alloc(size), () => resolve());
    });
    t.is(await Promise.race([sent, failed]), undefined);
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.on('end', () => socket.end());
    await once(socket, 'close');
    t.regex(answer, new RegExp(`^HTTP/1.1 ${status} [^]*connection: close`, 'i'));
  }
  t.is(handled, 0);
});

test('a body that becomes whole behind its refusal is not given to the function', async (t) => {
  let handled = 0;
  const { port, host } = await start(
    t,
    {
      handlers: handlersOf(['direct'], async () => {
        handled += 1;
      }),
    },
    { leastPace: { windowMs: 100, bytes: 1_000 } },
  );
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const ce = 'ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /t\r\nce-type: direct\r\n';
  const head = `POST /functions/f HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n`;
  socket.write(`${head}${ce}content-length: 4\r\n\r\nab`);
  let answer = '';
  socket.on('data', (data) => (answer += data.toString()));
  await once(socket, 'end');
  t.regex(answer, /^HTTP\/1\.1 408 /);
  socket.end('cd');
  await once(socket, 'close');
  await until(() => host.pending() === 0);
  t.is(handled, 0);
});

test('a caller that never ends its side is cut after a while', async (t) => {
  const { linger, caller } = await refusing(t, { ms: 100 });
  const socket = caller();
  await once(socket, 'end');
  await until(() => linger.count() === 0);
  await until(() => {
    socket.write('more');
    return socket.destroyed;
  });
  t.pass();
});

test('only so much is read away', async (t) => {
  const { linger, caller } = await refusing(t, { bytes: mebibyte });
  const socket = caller();
  await once(socket, 'end');
  t.is(linger.count(), 1);
  await until(() => {
    if (!socket.destroyed) socket.write(Buffer.alloc(100_000));
    return socket.destroyed;
  });
  await until(() => linger.count() === 0);
  t.pass();
});

test('a caller that ends its side is let go, and only so many are held at the same time', async (t) => {
  const { linger, caller } = await refusing(t, { connections: 2 });
  const held = [caller(), caller()];
  await Promise.all(held.map((socket) => once(socket, 'end')));
  t.is(linger.count(), 2);
  const third = caller();
  await once(third, 'end');
  t.is(linger.count(), 2);
  for (const socket of held) socket.end();
  await until(() => linger.count() === 0);
  t.pass();
});
