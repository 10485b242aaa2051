import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { openDoor } from './api-door.ts';

async function doorTo(t: ExecutionContext, layer: string): Promise<string> {
  const door = await openDoor(layer, 'api.example');
  t.teardown(() => door.close());
  return door.url;
}

test('a request goes on as it is, but for the name; so does its answer', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  server.on('request', (asked, response) => {
    const tell = async (): Promise<void> => {
      const { method, url, headers } = asked;
      const said = [headers.host, method, url, headers['x-own'], await text(asked)].join(' ');
      response.writeHead(418, { 'x-said': said }).end('short and stout');
    };
    void tell();
  });
  await once(server, 'listening');
  t.teardown(() => server.close());
  const bound = server.address();
  const port = typeof bound === 'object' ? bound?.port : undefined;
  const url = await doorTo(t, `127.0.0.1:${port}`);
  const headers = { 'x-own': 'kept' };
  const answer = await fetch(`${url}/pot?a=b`, { method: 'PUT', body: 'tea', headers });
  t.is(answer.status, 418);
  t.is(answer.headers.get('x-said'), 'api.example PUT /pot?a=b kept tea');
  t.is(await answer.text(), 'short and stout');
});

test('where nobody answers it is 503, which callers wait for', async (t) => {
  const url = await doorTo(t, '127.0.0.1:2');
  t.is((await fetch(url)).status, 503);
});
