import { createServer } from 'node:http';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { brotliCompress, deflate, gzip, zstdCompress } from 'node:zlib';
import test from 'ava';
import { readBody } from '../../../functions/host/read-body.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { listenOnLoopback } from './helpers.ts';

const limit = { bytes: 256 * 1024 };
const compressors = {
  br: promisify(brotliCompress),
  deflate: promisify(deflate),
  gzip: promisify(gzip),
  zstd: (data: Buffer) => promisify(zstdCompress)(data),
};

/** Answers with the body that was read, or with the code of the error. */
async function echo(): Promise<{ url: string; port: number; close: () => void }> {
  const server = createServer((request, response) => {
    readBody(request, limit).then(
      (body) => response.end(body),
      (error: unknown) => {
        const known = error instanceof CloverError;
        response.writeHead(known ? error.status : 500, { connection: 'close' });
        response.end(known ? error.code : String(error));
      },
    );
  });
  const port = await listenOnLoopback(server);
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const send = async (url: string, encoding: string, body: Buffer): Promise<[number, Buffer]> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-encoding': encoding },
    body: new Uint8Array(body),
  });
  return [response.status, Buffer.from(await response.arrayBuffer())];
};

test('every encoding is decoded, and truncated or damaged data is 400', async (t) => {
  const server = await echo();
  t.teardown(server.close);
  const plain = Buffer.from(Array.from({ length: 60_000 }, (_, index) => (index * index) % 251));
  t.deepEqual(await send(server.url, 'identity', plain), [200, plain]);
  for (const [encoding, compress] of Object.entries(compressors)) {
    const packed = await compress(plain);
    t.deepEqual(await send(server.url, encoding, packed), [200, plain], encoding);
    for (const cut of [1, packed.length >> 1, packed.length - 1]) {
      const [status, code] = await send(server.url, encoding, packed.subarray(0, cut));
      t.is(`${status} ${code.toString()}`, '400 CLV_ARGUMENT_INVALID', `${encoding} cut at ${cut}`);
    }
    const [status] = await send(server.url, encoding, Buffer.from('this is not compressed at all'));
    t.is(status, 400, encoding);
  }
});

test('a body above the limit is 413 before and after decompression', async (t) => {
  const server = await echo();
  t.teardown(server.close);
  const bomb = Buffer.alloc(64 * 1024 * 1024);
  for (const [encoding, compress] of Object.entries(compressors)) {
    const packed = await compress(bomb);
    t.true(packed.length < limit.bytes);
    const [status, code] = await send(server.url, encoding, packed);
    t.is(`${status} ${code.toString()}`, '413 CLV_BODY_TOO_LARGE', encoding);
  }
  t.is((await send(server.url, 'identity', Buffer.alloc(limit.bytes + 1)))[0], 413);
  t.is((await send(server.url, 'identity', Buffer.alloc(limit.bytes)))[0], 200);
});

test('a sender that goes on slowly is answered 413 at once', async (t) => {
  const server = await echo();
  t.teardown(server.close);
  const packed = await compressors.gzip(Buffer.alloc(1024 * 1024));
  const socket = connect(server.port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.write(
    'POST / HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n',
  );
  socket.write(`${packed.length.toString(16)}\r\n`);
  socket.write(packed);
  socket.write('\r\n');
  const answer = await new Promise<string>((resolve) => {
    socket.once('data', (data) => resolve(data.toString()));
  });
  t.regex(answer, /^HTTP\/1\.1 413 /);
});

test('an unknown encoding is 415', async (t) => {
  const server = await echo();
  t.teardown(server.close);
  t.is((await send(server.url, 'snappy', Buffer.from('x')))[0], 415);
});
