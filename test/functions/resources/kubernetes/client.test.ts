import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { createKubeClient } from '../../../../functions/resources/kubernetes/client.ts';
import { inTurn, onWire, refusal, reply, told, type Answer } from './wire.ts';

/** An answer that breaks off in the middle of its body. */
const cutOff =
  (code: number): Answer =>
  (response) =>
    response.writeHead(code, { 'content-length': '99' }).write('{"ki', () => response.destroy());

const get = { method: 'GET', path: '/version' } as const;

test('a request has what it is told, below the path of its server, and nothing of what is undefined', async (t) => {
  const { connection, asked } = await onWire(t, () => reply({ kind: 'Tap' }));
  const server = new URL('/clusters/c-1/', connection.server);
  const client = createKubeClient({ ...connection, server });
  const query = { limit: '2', continue: undefined };
  t.deepEqual(await client.call({ ...get, query }), { kind: 'Tap' });
  const body = { name: 'é' };
  const contentType = 'application/apply-patch+yaml';
  await client.call({ method: 'PATCH', path: '/x', contentType, body });
  t.like(asked, [
    { method: 'GET', path: '/clusters/c-1/version', query: { limit: '2' }, body: undefined },
    { method: 'PATCH', path: '/clusters/c-1/x', query: {}, body },
  ]);
  t.deepEqual(Object.keys(asked[0]?.query ?? {}), ['limit']);
  t.is(asked[1]?.headers['content-type'], contentType);
});

test('a server that is busy is asked again when it says, and at most five times', async (t) => {
  const { client, asked, waits } = await onWire(
    t,
    inTurn(
      refusal(429, 'busy', { retryAfterSeconds: 2 }),
      reply('', 503, { 'retry-after': '600' }),
      reply({ major: '1' }),
      ...Array.from({ length: 5 }, () => refusal(429, 'busy')),
    ),
  );
  t.deepEqual(await client.call(get), { major: '1' });
  t.deepEqual(waits, [2_000, 5_000]);
  await t.throwsAsync(client.call(get), { code: 'CLV_OVERLOADED', message: 'busy' });
  t.is(asked.length, 8);
});

test('an answer that breaks off, and none at all, is a server that does not answer', async (t) => {
  const { client, connection } = await onWire(t, () => cutOff(200));
  await t.throwsAsync(client.call(get), {
    code: 'CLV_KUBERNETES_UNREACHABLE',
    message: /^the Kubernetes API at http:\/\/127\.0\.0\.1:\d+ does not answer: /,
  });
  const nobody = createKubeClient({ ...connection, server: new URL('http://127.0.0.1:2') });
  await t.throwsAsync(nobody.call(get), { code: 'CLV_KUBERNETES_UNREACHABLE' });
  const lines = nobody.lines(get, new AbortController().signal)[Symbol.asyncIterator]();
  await t.throwsAsync(async () => lines.next(), { code: 'CLV_KUBERNETES_UNREACHABLE' });
});

test('what a proxy answers in place of the server is no answer', async (t) => {
  const { client } = await onWire(t, () => (response) => response.end('<html>log in</html>'));
  await t.throwsAsync(client.call(get), {
    code: 'CLV_INTERNAL',
    message: 'the Kubernetes API answered with something else than JSON',
  });
});

test('a refused watch has the error of its status, even if that is cut off', async (t) => {
  const { client } = await onWire(t, inTurn(refusal(410, 'too old'), cutOff(403)));
  const open = async (): Promise<unknown> =>
    client.lines(get, new AbortController().signal)[Symbol.asyncIterator]().next();
  await t.throwsAsync(open, { code: 'CLV_RESOURCE_GONE', message: 'too old' });
  await t.throwsAsync(open, { code: 'CLV_KUBERNETES_UNREACHABLE' });
});

test('lines are whole whatever pieces they come in; the one that breaks off is left out', async (t) => {
  const bytes = Buffer.from('{"a":"é"}\n\n{"b":"𝛼"}\n{"torn');
  const { client } = await onWire(t, () => async (response) => {
    response.writeHead(200);
    for (const byte of bytes) {
      response.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    response.write('', () => response.destroy());
  });
  const lines: string[] = [];
  for await (const line of client.lines(get, new AbortController().signal)) lines.push(line);
  t.deepEqual(lines, ['{"a":"é"}', '{"b":"𝛼"}']);
});

test('the last line needs no newline', async (t) => {
  const { client } = await onWire(t, () => (response) => response.end('{"a":1}\n{"b":2}'));
  const lines: string[] = [];
  for await (const line of client.lines(get, new AbortController().signal)) lines.push(line);
  t.deepEqual(lines, ['{"a":1}', '{"b":2}']);
});

test('a line without an end is given up, and its connection closed', async (t) => {
  const closed = Promise.withResolvers<void>();
  const { client } = await onWire(t, () => (response) => {
    response.on('close', () => closed.resolve());
    response.writeHead(200);
    response.write('x'.repeat(8 * 1024 * 1024 + 1));
  });
  const lines = client.lines(get, new AbortController().signal)[Symbol.asyncIterator]();
  await t.throwsAsync(async () => lines.next(), {
    code: 'CLV_INTERNAL',
    message: /a line of more than 8388608 characters/,
  });
  await closed.promise;
});

test('lines end with the signal, and their connection with them', async (t) => {
  const closed = Promise.withResolvers<void>();
  const { client } = await onWire(t, () => (response, asked) => {
    response.on('close', () => closed.resolve());
    return told([{ n: 1 }])(response, asked);
  });
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const line of client.lines(get, stop.signal)) {
    seen.push(line);
    stop.abort();
  }
  t.deepEqual(seen, ['{"n":1}']);
  await closed.promise;
});

test('lines end when nothing comes, and their connection with them', async (t) => {
  const closed = Promise.withResolvers<void>();
  const { client } = await onWire(t, () => (response, asked) => {
    response.on('close', () => closed.resolve());
    return told([{ n: 1 }])(response, asked);
  });
  const seen: string[] = [];
  const { signal } = new AbortController();
  for await (const line of client.lines({ ...get, silenceMs: 200 }, signal)) seen.push(line);
  t.deepEqual(seen, ['{"n":1}']);
  await closed.promise;
});

test('a server that takes a connection and says nothing does not answer', async (t) => {
  const { client } = await onWire(t, () => () => undefined);
  const { signal } = new AbortController();
  const lines = client.lines({ ...get, silenceMs: 20 }, signal)[Symbol.asyncIterator]();
  await t.throwsAsync(async () => lines.next(), { code: 'CLV_KUBERNETES_UNREACHABLE' });
});

test('a reader may take its time: that is no silence of the server', async (t) => {
  const read = Promise.withResolvers<void>();
  const { client } = await onWire(t, () => async (response) => {
    response.write('{"n":1}\n');
    await read.promise;
    response.end('{"n":2}\n');
  });
  const seen: string[] = [];
  const { signal } = new AbortController();
  for await (const line of client.lines({ ...get, silenceMs: 1_000 }, signal)) {
    seen.push(line);
    if (seen.length === 1) await sleep(1_200);
    read.resolve();
  }
  t.deepEqual(seen, ['{"n":1}', '{"n":2}']);
});
