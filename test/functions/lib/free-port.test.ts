import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { freePort } from '../../../functions/lib/free-port.ts';

test('ports that are asked for at the same time differ, and can be listened at', async (t) => {
  const ports = await Promise.all(Array.from({ length: 8 }, () => freePort()));
  t.is(new Set(ports).size, ports.length);
  const server = createServer().listen(ports[0], '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  t.pass();
});
