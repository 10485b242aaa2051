import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import {
  type Client,
  credentials,
  makeGenericClientConstructor,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status as grpcStatus,
} from '@grpc/grpc-js';
import test from 'ava';

import { play, segmentsOfTurns, startReplay, type Turn } from './conversation.ts';
import { data, type HeaderField, headers, HpackEncoder, reset } from './http2.ts';
import { startRecorder } from './http2-recorder.ts';
import { opening, readTurns } from './http2-conversation.ts';

const block = (...fields: readonly HeaderField[]): Buffer =>
  new HpackEncoder().encode(fields, 'plain');
const call = block(
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/shop.Cart/Add'],
  [':authority', 'cart:50051'],
  ['content-type', 'application/grpc+proto'],
  ['te', 'trailers'],
);
const accepted = block([':status', '200'], ['content-type', 'application/grpc']);
const message = Buffer.from([0, 0, 0, 0, 2, 8, 1]);

/** What a call gives whose server does so. */
async function answeredBy(
  frames: readonly Uint8Array[],
  podServes = true,
): ReturnType<typeof readTurns> {
  const turns: Turn[] = [
    ...opening,
    { from: 'client', bytes: Buffer.concat([headers(1, call), data(1, message)]) },
    { from: 'server', bytes: Buffer.concat(frames) },
  ];
  return readTurns(turns, 0, { podServes });
}

test('a call by the conventions', async (t) => {
  const { spans } = await answeredBy([
    headers(1, accepted),
    data(1, message, false),
    headers(1, block(['grpc-status', '0'], ['grpc-message', 'secret']), true),
  ]);
  t.like(spans[0], { name: 'shop.Cart/Add', kind: 2, status: 0 });
  t.deepEqual(
    Object.fromEntries(
      Object.entries(spans[0]?.attributes ?? {}).filter(
        ([key]) => !/^network.peer|first_byte|hop$/.test(key),
      ),
    ),
    {
      'rpc.system.name': 'grpc',
      'rpc.method': 'shop.Cart/Add',
      'rpc.status_code': 'OK',
      'server.address': 'cart',
      'server.port': 50_051,
      'client.address': '198.18.0.1',
      'network.protocol.version': '2',
    },
  );
});

for (const [code, name, blamed] of [
  ['1', 'CANCELLED', false],
  ['2', 'UNKNOWN', true],
  ['3', 'INVALID_ARGUMENT', false],
  ['4', 'DEADLINE_EXCEEDED', true],
  ['5', 'NOT_FOUND', false],
  ['6', 'ALREADY_EXISTS', false],
  ['7', 'PERMISSION_DENIED', false],
  ['8', 'RESOURCE_EXHAUSTED', false],
  ['9', 'FAILED_PRECONDITION', false],
  ['10', 'ABORTED', false],
  ['11', 'OUT_OF_RANGE', false],
  ['13', 'INTERNAL', true],
  ['14', 'UNAVAILABLE', true],
  ['15', 'DATA_LOSS', true],
  ['16', 'UNAUTHENTICATED', false],
  ['99', 'UNKNOWN', true],
  ['x', 'UNKNOWN', true],
] as const)
  test(`grpc-status ${code} is ${name}, and an error of the ${blamed ? 'server' : 'caller alone'}`, async (t) => {
    const trailersOnly = [headers(1, block([':status', '200'], ['grpc-status', code]), true)];
    const served = (await answeredBy(trailersOnly)).spans[0];
    const called = (await answeredBy(trailersOnly, false)).spans[0];
    t.is(served?.attributes['rpc.status_code'], name);
    t.is(served?.attributes['error.type'], blamed ? name : undefined);
    t.is(served?.status, blamed ? 2 : 0);
    t.is(called?.attributes['error.type'], name);
  });

test('a method that the server does not have names no span of its own', async (t) => {
  const frames = [headers(1, block([':status', '200'], ['grpc-status', '12']), true)];
  t.like((await answeredBy(frames)).spans[0]?.attributes, {
    'rpc.method': '_OTHER',
    'rpc.method_original': 'shop.Cart/Add',
    'error.type': 'UNIMPLEMENTED',
  });
  t.is((await answeredBy(frames)).spans[0]?.name, '_OTHER');
  t.is((await answeredBy(frames, false)).spans[0]?.name, 'shop.Cart/Add');
});

for (const [what, frames, name] of [
  ['a gateway answers', [headers(1, block([':status', '503']), true)], 'UNAVAILABLE'],
  ['nobody says the status', [headers(1, accepted), data(1, message)], 'UNKNOWN'],
  ['the server refuses the stream', [reset(1, 7)], 'UNAVAILABLE'],
  ['the server asks for calm', [reset(1, 11)], 'RESOURCE_EXHAUSTED'],
  ['the server breaks', [reset(1, 2)], 'INTERNAL'],
] as const)
  test(`where ${what} instead of gRPC, the status is ${name}`, async (t) => {
    const { spans } = await answeredBy(frames);
    t.is(spans[0]?.attributes['rpc.status_code'], name);
  });

test('a cancelled call is no error of the server', async (t) => {
  for (const podServes of [true, false]) {
    const { spans } = await readTurns(
      [
        ...opening,
        { from: 'client', bytes: headers(1, call) },
        { from: 'server', bytes: headers(1, accepted) },
        { from: 'client', bytes: reset(1, 8) },
      ],
      0,
      { podServes },
    );
    t.is(spans[0]?.attributes['rpc.status_code'], 'CANCELLED');
    t.is(spans[0]?.attributes['error.type'], podServes ? undefined : 'CANCELLED');
  }
});

test('a call that is cut off has no status', async (t) => {
  const { spans } = await answeredBy([headers(1, accepted)]);
  t.is(spans[0]?.attributes['rpc.status_code'], undefined);
  t.is(spans[0]?.attributes['error.type'], 'connection_closed');
});

test('gRPC-Web is HTTP', async (t) => {
  const web = block(
    [':method', 'POST'],
    [':path', '/a.B/C'],
    ['content-type', 'application/grpc-web+proto'],
  );
  const { spans } = await readTurns([
    ...opening,
    { from: 'client', bytes: headers(1, web, true) },
    { from: 'server', bytes: headers(1, accepted, true) },
  ]);
  t.is(spans[0]?.name, 'POST');
});

test('a call whose content type was told before the capture is told by its response', async (t) => {
  const [asking, answering] = [new HpackEncoder(), new HpackEncoder()];
  const turns = [1, 3].flatMap((stream): Turn[] => [
    {
      from: 'client',
      bytes: headers(
        stream,
        asking.encode([
          [':method', 'POST'],
          [':scheme', 'http'],
          [':path', `/a.B/C${stream}`],
          ['content-type', 'application/grpc'],
        ]),
        true,
      ),
    },
    {
      from: 'server',
      bytes: headers(
        stream,
        answering.encode(
          [
            [':status', '200'],
            ['grpc-status', '5'],
          ],
          'plain',
        ),
        true,
      ),
    },
  ]);
  const { spans } = await readTurns([...opening, ...turns], 6);
  t.is(spans[0]?.name, 'a.B/C3');
  t.like(spans[0]?.attributes, { 'rpc.system.name': 'grpc', 'rpc.status_code': 'NOT_FOUND' });
  t.is(spans[0]?.attributes['clover.incomplete'], 1);
});

const raw = (bytes: Buffer): Buffer => bytes;
const method = (
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<Buffer, Buffer> => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: raw,
  requestDeserialize: raw,
  responseSerialize: raw,
  responseDeserialize: raw,
});
const service = {
  Unary: method('Unary', false, false),
  Count: method('Count', false, true),
  Chat: method('Chat', true, true),
} satisfies ServiceDefinition;

test('calls between a real client and server', async (t) => {
  const server = new Server();
  server.addService(service, {
    Unary: (
      request: { request: Buffer },
      done: (error: object | null, answer?: Buffer) => void,
    ) => {
      const code = request.request[0] ?? 0;
      if (code === 0) done(null, Buffer.alloc(3000));
      else done({ code, details: 'secret' });
    },
    Count: (stream: { write(bytes: Buffer): void; end(): void }) => {
      for (let index = 0; index < 20; index++) stream.write(Buffer.alloc(100 * index));
      stream.end();
    },
    Chat: (stream: NodeJS.ReadWriteStream) => {
      stream.on('data', (bytes: Buffer) => stream.write(bytes));
      stream.on('end', () => stream.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  await using recorder = await startRecorder(port);
  const Echo = makeGenericClientConstructor(service, 'Echo');
  const client: Client = new Echo(`127.0.0.1:${recorder.port}`, credentials.createInsecure());
  const unary = async (code: number): Promise<string> =>
    new Promise((resolve) => {
      client.makeUnaryRequest('/test.Echo/Unary', raw, raw, Buffer.from([code]), (error) => {
        resolve(`test.Echo/Unary ${grpcStatus[error?.code ?? 0]}`);
      });
    });
  const told = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => unary(index % 17)),
  );
  const turns = recorder.connections[0] ?? [];
  const counted = client.makeServerStreamRequest('/test.Echo/Count', raw, raw, Buffer.alloc(1));
  counted.resume();
  await once(counted, 'end');
  told.push('test.Echo/Count OK');
  const chat = client.makeBidiStreamRequest('/test.Echo/Chat', raw, raw);
  chat.resume();
  for (let index = 0; index < 10; index++) {
    chat.write(Buffer.alloc(index));
    await delay(1);
  }
  chat.end();
  await once(chat, 'end');
  told.push('test.Echo/Chat OK');
  const left = client.makeBidiStreamRequest('/test.Echo/Chat', raw, raw);
  left.on('error', () => {});
  left.write(Buffer.alloc(1));
  await once(left, 'data');
  const over = new Promise((resolve) => {
    left.on('status', resolve);
  });
  left.cancel();
  await over;
  told.push('test.Echo/Chat CANCELLED');
  const resets = (): boolean =>
    turns.some(({ bytes }) => Buffer.from(bytes).includes(Buffer.from([0, 0, 4, 3, 0])));
  while (!resets()) await delay(5);
  client.close();
  server.forceShutdown();
  const names = told.map((line) =>
    line.endsWith(' UNIMPLEMENTED') ? '_OTHER UNIMPLEMENTED' : line,
  );
  for (const cuts of [[1448], [1, 8, 30]]) {
    const { replay, spans } = startReplay();
    play(replay, segmentsOfTurns(turns, { clientIsn: 1, serverIsn: 2, cuts, stepNs: 100n }));
    await replay.flush();
    t.deepEqual(
      spans.map(({ name, attributes: a }) => `${name} ${a['rpc.status_code']}`).toSorted(),
      names.toSorted(),
    );
    t.is(replay.ledger().headerFields.unknown, 0);
    t.false(JSON.stringify(spans.map(({ attributes }) => attributes)).includes('secret'));
    await replay.close();
  }
});
