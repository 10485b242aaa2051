import { createServer } from 'node:http';
import test from 'ava';
import { listenOnLoopback } from '../../functions/host/helpers.ts';
import { runCli } from '../run-cli.ts';

test('an API that has no counters is told as such, and to programs as it is', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const at = ['--server', `http://127.0.0.1:${port}`];
  const { code, stdout, stderr } = await runCli([...at, 'status']);
  t.is(code, 0, stderr);
  t.is(stdout, '');
  t.regex(stderr, /^no counters: on Knative /);
  t.is((await runCli([...at, 'status', '--json'])).stdout.trim(), '{}');
});
