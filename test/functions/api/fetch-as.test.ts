import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { fetchAs } from '../../../functions/api/fetch-as.ts';
import { listenOnLoopback } from '../host/helpers.ts';

async function* readPieces({ body }: Response): AsyncGenerator<string, void, void> {
  if (body === null) return;
  const pieces: AsyncIterable<Uint8Array, unknown, unknown> = body;
  for await (const piece of pieces) yield Buffer.from(piece).toString();
}

test('a request carries the given name, and is otherwise what fetch sends; so is the answer', async (t) => {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const { method, url, headers } = request;
      if (url === '/none') {
        response.writeHead(204).end();
        return;
      }
      response.writeHead(201, 'Made', { 'x-host': headers.host, 'x-two': ['a', 'b'] });
      response.end(`${method} ${url} ${String(headers['x-mine'])} ${await text(request)}`);
    };
    answer().catch((error: unknown) => t.fail(String(error)));
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const ask = fetchAs('api.clover-system.svc.cluster.local');
  const url = `http://127.0.0.1:${port}`;
  const sent = { method: 'POST', headers: { 'x-mine': '1' }, body: 'ä' };
  const answer = await ask(new Request(`${url}/a?b=c`, sent));
  t.like(answer, { status: 201, statusText: 'Made', ok: true });
  t.is(answer.headers.get('x-host'), 'api.clover-system.svc.cluster.local');
  t.is(answer.headers.get('x-two'), 'a, b');
  t.is(await answer.text(), 'POST /a?b=c 1 ä');
  t.is((await ask(new Request(`${url}/none`))).status, 204);
});

test('a stream comes as it is written, and ends with its signal', async (t) => {
  const gone = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    response.writeHead(200).write('one');
    response.on('close', () => gone.resolve());
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => server.close());
  const stop = new AbortController();
  const request = new Request(`http://127.0.0.1:${port}`, { signal: stop.signal });
  const answer = await fetchAs('a')(request);
  const pieces = readPieces(answer);
  t.is((await pieces.next()).value, 'one');
  stop.abort();
  await t.throwsAsync(async () => pieces.next());
  await gone.promise;
});

test('what cannot be reached rejects', async (t) => {
  const server = createServer();
  const port = await listenOnLoopback(server);
  server.close();
  await t.throwsAsync(fetchAs('a')(new Request(`http://127.0.0.1:${port}`)), {
    code: 'ECONNREFUSED',
  });
});
