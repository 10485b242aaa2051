import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { assertPortFree, assertRoot } from '../../../cloverctl/supervisor/machine.ts';
import { freePort } from '../../../functions/lib/free-port.ts';

test('whoever is not root is told so, with the fix', (t) => {
  t.throws(() => assertRoot(1000), { message: /^not root: .*; use sudo, or a root shell$/ });
  t.notThrows(() => assertRoot(0));
});

test('a port that is taken is named, with the option that chooses another', async (t) => {
  const server = createServer();
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  await t.throwsAsync(assertPortFree(port), {
    message: new RegExp(`^port ${port} of 127\\.0\\.0\\.1 .*--port$`),
  });
  await once(server.close(), 'close');
  await assertPortFree(port);
  await t.notThrowsAsync(assertPortFree(port));
});
