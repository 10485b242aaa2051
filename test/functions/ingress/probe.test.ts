import { createServer, type RequestListener } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { createProber } from '../../../functions/ingress/probe.ts';
import { hashHeader, healthHost } from '../../../functions/ingress/routes.ts';
import { listenOnLoopback } from '../host/helpers.ts';

const address = '127.0.0.1';

async function envoy(t: ExecutionContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return listenOnLoopback(server);
}

test('an Envoy is asked for its health and for the hash of a host, as Knative asks', async (t) => {
  const port = await envoy(t, ({ headers, url }, response) => {
    const isProbe = headers['k-network-probe'] === 'probe' && headers[hashHeader] === 'override';
    if (url !== '/healthz') response.writeHead(400);
    else if (headers.host === healthHost) response.writeHead(isProbe ? 400 : 200);
    else if (headers.host === 'a.b' && isProbe) response.writeHead(200, { [hashHeader]: 'abc' });
    else response.writeHead(404);
    response.end('body');
  });
  const prober = createProber();
  t.teardown(() => prober.close());
  t.true(await prober.isUp({ address, port }));
  t.is(await prober.hashAt({ address, port }, 'a.b'), 'abc');
  t.is(await prober.hashAt({ address, port }, 'b.c'), undefined);
});

test('who does not listen, breaks off or is late has nothing', async (t) => {
  const prober = createProber({ timeoutMs: 50 });
  t.teardown(() => prober.close());
  const breaking = await envoy(t, (_, response) => response.destroy());
  const late = await envoy(t, () => undefined);
  const ill = await envoy(t, (_, response) => response.writeHead(503).end());
  for (const port of [2, breaking, late, ill]) {
    t.false(await prober.isUp({ address, port }));
    t.is(await prober.hashAt({ address, port }, 'a.b'), undefined);
  }
});
