import { once } from 'node:events';
import { get, request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

import test, { type ExecutionContext } from 'ava';

import { gapsOf, pod } from './conversation.ts';
import { data, headers as headersOf, preface, settings } from './http2.ts';
import { block, ok } from './http2-conversation.ts';
import type { DecodedSpan } from './otlp.ts';
import { addIPv6, type Testbed } from './testbed.ts';
import { startTracedServer, type TracedServer } from './traced-server.ts';

/** HTTP for who begins with a G; all else is swallowed. */
const server = `
import { createServer } from 'node:net';
createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    socket.write(bytes[0] === 71 ? 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok' : 'x');
  });
}).listen(9000, () => console.log('up'));
`;

/** From the end of another connection where it is said: of its address alone, as the port may be in use at others by now. */
async function connected(
  bed: Pick<Testbed, 'address'>,
  from: { readonly localAddress?: string; readonly localPort?: number } = {},
): Promise<Socket> {
  const socket = connect({ host: bed.address, port: 9000, ...from });
  await once(socket, 'connect');
  socket.setNoDelay(true);
  return socket;
}

// Serial: each attaches kernel programs.
for (const version of [4, 6])
  test.serial(
    `what nobody can read over IPv${version} is not copied any more, and counted`,
    async (t) => {
      const { bed, capture } = await startTracedServer(t, server);
      const socket = await connected(version === 4 ? bed : { address: addIPv6(bed) });
      for (let at = 0; at < 100; at += 1) {
        socket.write(Buffer.alloc(1_000, 0xee));
        await once(socket, 'data');
        if (at === 10) await delay(100);
      }
      socket.end();
      await once(socket, 'close');
      await capture.flush();
      const { wire, bytes, ...rest } = capture.ledger();
      t.true(wire.unwanted >= 170, `${wire.unwanted}`);
      t.is(bytes.skipped['unrecognised'], wire.payloadBytes);
      t.deepEqual(gapsOf({ wire, bytes, ...rest }), []);
    },
  );

test.serial('a connection with the addresses of one that nobody could read is read', async (t) => {
  const { bed, capture, spans } = await startTracedServer(t, server);
  const first = await connected(bed);
  const { localAddress = '', localPort = 0 } = first;
  first.write(Buffer.alloc(1_000, 0xee));
  await once(first, 'data');
  await delay(100);
  first.write(Buffer.alloc(1_000, 0xee));
  await once(first, 'data');
  first.resetAndDestroy();
  await once(first, 'close');
  t.true(capture.ledger().wire.unwanted > 0);
  const second = await connected(bed, { localAddress, localPort });
  second.write('GET /again HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(second, 'data');
  await capture.flush();
  second.destroy();
  t.deepEqual(
    spans.map(({ attributes }) => attributes['url.path']),
    ['/again'],
  );
  t.deepEqual(gapsOf(capture.ledger()), []);
});

const ask = async (socket: Socket, path: string): Promise<void> => {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await once(socket, 'data');
};
const pathsOf = (spans: readonly DecodedSpan[]) =>
  spans.map(({ attributes }) => attributes['url.path']);

test.serial(
  'a connection that no Tap wanted is read where its point is attached again',
  async (t) => {
    const { bed, capture, spans } = await startTracedServer(t, server);
    capture.attach(bed.ifindex, pod, { protocols: ['redis'] });
    const socket = await connected(bed);
    await ask(socket, '/first');
    await delay(100);
    await ask(socket, '/unwanted');
    t.true(capture.ledger().wire.unwanted > 0);
    capture.detach(bed.ifindex);
    capture.attach(bed.ifindex, pod);
    await delay(100);
    await ask(socket, '/again');
    await capture.flush();
    socket.destroy();
    t.deepEqual(pathsOf(spans), ['/again']);
    t.deepEqual(gapsOf(capture.ledger()), []);
  },
);

test.serial(
  'a connection that goes on unwanted is not idle: it is read once a Tap wants it',
  async (t) => {
    const { bed, capture, spans } = await startTracedServer(t, server, [], { idleTimeoutMs: 400 });
    capture.attach(bed.ifindex, pod, { protocols: ['redis'] });
    const [busy, silent] = [await connected(bed), await connected(bed)];
    await ask(silent, '/silent');
    for (let at = 0; at < 40; at += 1) {
      await ask(busy, '/unwanted');
      await delay(50);
    }
    t.like(capture.ledger().connections, { open: 1, seen: 2 });
    capture.attach(bed.ifindex, pod);
    await delay(100);
    await ask(busy, '/wanted');
    await ask(silent, '/met-anew');
    await capture.flush();
    for (const socket of [busy, silent]) socket.destroy();
    t.deepEqual(pathsOf(spans), ['/wanted', '/met-anew']);
    t.deepEqual(gapsOf(capture.ledger()), []);
  },
);

const answerOf = (sent: ReturnType<typeof request>): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    sent.on('response', resolve).on('error', reject);
  });

/** Waits for so many spans; resolves with how many bytes were left in the kernel, where nothing else was left out or lost. */
async function leftInKernel(
  t: ExecutionContext,
  { capture, spans }: Pick<TracedServer, 'capture' | 'spans'>,
  count: number,
): Promise<number> {
  for (let tries = 0; spans.length < count && tries < 100; tries += 1) {
    await delay(20);
    await capture.flush();
  }
  const ledger = capture.ledger();
  // A busy machine retransmits.
  const { body = 0, duplicate: _, ...skipped } = ledger.bytes.skipped;
  t.log(`${body} of ${ledger.wire.payloadBytes} bytes, ${ledger.wire.unwanted} segments`);
  t.deepEqual({ ...skipped, ...ledger.bytes.lost, ...ledger.wire.lost }, {});
  t.deepEqual(gapsOf(ledger), []);
  return body;
}

test.serial('amid a long body only the heads of segments are copied', async (t) => {
  const { bed, capture, spans } = await startTracedServer(t, server);
  const to = { host: bed.address, port: bed.port };
  const answer = await answerOf(get({ ...to, path: '/slow' }));
  t.deepEqual(await buffer(answer), bed.large, 'it passes unchanged');
  const headers = { 'content-length': bed.large.length };
  const sent = request({ ...to, path: '/small', method: 'PUT', headers });
  // nginx does not wait for the body.
  const refusal = answerOf(sent).then(buffer);
  for (let at = 0; at < bed.large.length; at += 64 * 1024) {
    sent.write(bed.large.subarray(at, at + 64 * 1024));
    await delay(5);
  }
  sent.end();
  await refusal;
  t.true((await leftInKernel(t, { capture, spans }, 2)) > bed.large.length / 2);
  t.is(spans[0]?.attributes['http.response.body.size'], bed.large.length);
  t.is(spans[0]?.attributes['clover.incomplete'], undefined);
  t.is(spans.length, 2);
});

const [value, part] = [4 * 1024 * 1024, 64 * 1024];
const set = `*3\r\n$3\r\nSET\r\n$1\r\na\r\n$${value}\r\n`;

/** Redis, as far as it takes and gives one long value. */
const redis = `
import { createServer } from 'node:net';
const part = Buffer.alloc(${part}, 'v');
async function give(socket) {
  socket.write('$${value}\\r\\n');
  for (let at = 0; at < ${value}; at += part.length) {
    socket.write(part);
    await new Promise((done) => setTimeout(done, 5));
  }
  socket.write('\\r\\n');
}
createServer((socket) => {
  let due = 0;
  socket.on('data', (bytes) => {
    if (due === 0 && bytes.includes('GET')) return give(socket);
    due = (due === 0 ? ${set.length + value + 2} : due) - bytes.length;
    if (due === 0) socket.write('+OK\\r\\n');
  });
}).listen(9001, () => console.log('up'));
`;

/** Resolves once the other end has sent as many bytes. */
function bytesFrom(socket: Socket, count: number): Promise<void> {
  let got = 0;
  return new Promise((resolve) => {
    socket.on('data', (bytes: Buffer) => {
      got += bytes.length;
      if (got >= count) resolve();
    });
  });
}

test.serial('of a long value of Redis only the beginning is copied', async (t) => {
  const { bed, capture, spans } = await startTracedServer(t, redis);
  const socket = connect({ host: bed.address, port: 9001 });
  await once(socket, 'connect');
  const stored = bytesFrom(socket, '+OK\r\n'.length);
  socket.write(set);
  for (let left = value; left > 0; left -= part) {
    socket.write(Buffer.alloc(part, 'v'));
    await delay(5);
  }
  socket.write('\r\n');
  await stored;
  const given = bytesFrom(socket, value);
  socket.write('*2\r\n$3\r\nGET\r\n$1\r\na\r\n');
  await given;
  socket.end();
  await once(socket, 'close');
  t.true((await leftInKernel(t, { capture, spans }, 2)) > value, 'more than half of both');
  t.deepEqual(
    spans.map(({ name, attributes: a }) => [name, a['clover.incomplete']]),
    [
      ['SET', undefined],
      ['GET', undefined],
    ],
  );
});

const upload = headersOf(1, block([':method', 'PUT'], [':scheme', 'http'], [':path', '/large']));

/** HTTP/2, as far as it takes one long frame. */
const http2 = `
import { createServer } from 'node:net';
const hex = (text) => Buffer.from(text, 'hex');
createServer((socket) => {
  let due = ${preface.length + settings().length + upload.length + 9 + value};
  socket.write(hex('${settings([5, 2 ** 24 - 1]).toString('hex')}'));
  socket.on('data', (bytes) => {
    due -= bytes.length;
    if (due === 0) socket.write(hex('${headersOf(1, ok, true).toString('hex')}'));
  });
}).listen(9001, () => console.log('up'));
`;

test.serial('of a long frame of HTTP/2 only the beginning is copied', async (t) => {
  const { bed, capture, spans } = await startTracedServer(t, http2);
  const socket = connect({ host: bed.address, port: 9001 });
  await once(socket, 'data');
  const answered = bytesFrom(socket, headersOf(1, ok, true).length);
  socket.write(Buffer.concat([preface, settings(), upload]));
  const frame = data(1, Buffer.alloc(value));
  for (let at = 0; at < frame.length; at += part) {
    socket.write(frame.subarray(at, at + part));
    await delay(5);
  }
  await answered;
  socket.end();
  await once(socket, 'close');
  t.true((await leftInKernel(t, { capture, spans }, 1)) > value / 2);
  t.like(spans[0]?.attributes, { 'http.request.body.size': value, 'url.path': '/large' });
  t.is(spans[0]?.attributes['clover.incomplete'], undefined);
});
