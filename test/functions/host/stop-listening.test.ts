import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { createStopListening } from '../../../functions/host/stop-listening.ts';
import { Slots } from '../../../functions/lib/slots.ts';
import { eventOf, handlersOf, until } from './helpers.ts';
import { authorization, raw, start } from './start-host.ts';

const request = 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n';

test('who connects while the process has no time is answered before it stops to listen', async (t) => {
  const { host, port } = await start(t, {}, { drainGraceMs: 100 });
  const draining = host.drain();
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += data.toString()));
  socket.write(request);
  const closed = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
  // The kernel has taken the connection; the process sees it when the grace is over already.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  await closed;
  t.regex(answer, /^HTTP\/1\.1 200 [^]*connection: close/i);
  await draining;
});

test('who has connected and not asked yet has a moment to do so', async (t) => {
  const { host, port } = await start(t, {}, { drainGraceMs: 2_000 });
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += data.toString()));
  await new Promise((resolve) => {
    socket.once('connect', resolve);
  });
  const drained = host.drain();
  await until(() => isRefused(port));
  socket.write(request);
  await drained;
  await host.close();
  await until(() => socket.closed);
  t.regex(answer, /^HTTP\/1\.1 200 /);
});

test('who has connected and never asks holds up the end for a moment only', async (t) => {
  const { host, port } = await start(t, {}, { drainGraceMs: 20 });
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise((resolve) => {
    socket.once('connect', resolve);
  });
  await host.drain();
  await host.close();
  await until(() => socket.closed);
  t.pass();
});

test('an answer whose caller has gone does not stand for somebody who has not asked yet', async (t) => {
  const open = new Slots<ServerResponse>();
  const server = createServer((_, response) => {
    // Never taken out, as if its end were not known yet.
    open.add(response);
    if (open.size > 1) response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const gone = connect(port, '127.0.0.1');
  gone.write(request);
  await until(() => open.size === 1);
  const [left] = open;
  gone.destroy();
  await until(() => left?.socket?.destroyed !== false);
  const silent = connect(port, '127.0.0.1');
  await once(server, 'connection');

  let isOver = false;
  const over = createStopListening(
    server,
    open,
  )(0).finally(() => {
    isOver = true;
  });
  await until(() => isRefused(port));
  await delay(200);
  t.false(isOver);
  let answer = '';
  silent.on('data', (data) => (answer += data.toString()));
  silent.write(request);
  await over;
  await until(() => answer !== '');
  t.regex(answer, /^HTTP\/1\.1 200 /);
});

test('an answer that is still being sent when listening ends comes whole', async (t) => {
  const size = 30_000_000;
  const big = eventOf({ id: 'big', data: Buffer.alloc(size) });
  const { host, port } = await start(t, { handlers: handlersOf(['direct'], async () => big) });
  const socket = connect(port, '127.0.0.1');
  let got = 0;
  socket.on('data', (data) => (got += data.length));
  const closed = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
  const ce = 'ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /t\r\nce-type: direct\r\n';
  const head = `POST /functions/f HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n`;
  socket.write(`${head}${ce}content-length: 0\r\n\r\n`);
  await until(() => got > 0);
  socket.pause();
  let isDrained = false;
  const drained = host.drain().finally(() => {
    isDrained = true;
  });
  await until(() => isRefused(port));
  // Longer than those have who never ask.
  await delay(1_500);
  t.false(isDrained);
  socket.resume();
  await drained;
  await until(() => got > size);
  await host.close();
  await closed;
});

test('a body that does not come in whole is 503 in a drain, and its function never sees it', async (t) => {
  let handled = 0;
  const handlers = handlersOf(['direct'], async () => {
    handled += 1;
  });
  const { host, port } = await start(t, { handlers }, { drainBodyMs: 50 });
  const ce = 'ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /t\r\nce-type: direct\r\n';
  const head = `POST /functions/f HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n`;
  const answered = raw(port, `${head}${ce}content-length: 10\r\n\r\nabc`);
  await until(() => host.pending() === 1);
  await host.drain();
  await host.close();
  t.regex(await answered, /^HTTP\/1\.1 503 [^]*the host stops/);
  t.is(handled, 0);
});

/** Whether nobody listens there any more. */
function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(true));
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });
}
