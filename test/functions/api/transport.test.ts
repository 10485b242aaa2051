import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { createApiClient } from '../../../functions/api/client.ts';
import { CloverError } from '../../../functions/lib/errors.ts';

const code = 'CLV_CONTROL_PLANE_UNREACHABLE';

async function serverOf(t: ExecutionContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

test('what answers, and is no control plane, is named as that', async (t) => {
  for (const [status, type, body, said] of [
    [200, 'text/html', '<!doctype html>', /\(found no JSON\)/],
    [200, 'application/json', '{"items":[', /\(found no JSON\)/],
    [200, 'application/json', '{"items":1}', /\(its JSON has another form\)/],
    [404, 'text/html', 'no such page', /\(404 Not Found\)/],
    [502, 'text/html', '<h1>Bad gateway</h1>', /\(502 Bad Gateway\)/],
  ] as const) {
    const url = await serverOf(t, (_, response) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    const client = createApiClient({ url, token: '' });
    for (const asked of [client.list('Tap'), client.get('Tap', 'shop', 'web'), client.version()]) {
      const { message } = await t.throwsAsync(asked, { code });
      t.true(message.startsWith(`${url} answers, but not as a Clover control plane`), message);
      t.regex(message, said);
    }
  }
});

test('a page in place of a stream ends it, and is not asked for again and again', async (t) => {
  const url = await serverOf(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
  });
  const { signal } = new AbortController();
  const read = async (): Promise<void> => {
    for await (const _ of createApiClient({ url, token: '' }).tailEvents({ signal })) t.fail();
  };
  const { message } = await t.throwsAsync(read, { code });
  t.regex(message, /found text\/html in place of text\/event-stream/);
});

test('a port that fetch blocks is named, and is no control plane that is away', async (t) => {
  const client = createApiClient({ url: 'http://127.0.0.1:6667', token: '' });
  const refused = await t.throwsAsync(client.version(), { code: 'CLV_ARGUMENT_INVALID' });
  t.regex(refused.message, /port 6667 belongs to another protocol/);
});

test('an answer that is cut off is a control plane that went away', async (t) => {
  const url = await serverOf(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
    response.write('{', () => response.destroy());
  });
  await t.throwsAsync(createApiClient({ url, token: '' }).status(), { code });
});

test('who accepts and never answers, or not to the end, is given up', async (t) => {
  for (const head of [false, true]) {
    const url = await serverOf(t, (_, response) => {
      if (head) response.writeHead(200).write('{');
    });
    const client = createApiClient({ url, token: '', timeoutMs: 100 });
    const { message } = await t.throwsAsync(client.status(), { code });
    t.is(message, `${url} did not answer within 0.1 s; more time is given by --request-timeout`);
  }
});

test('the end of a request by its own signal is no answer that came too late', async (t) => {
  const stop = new AbortController();
  const url = await serverOf(t, () => stop.abort(new Error('enough')));
  const client = createApiClient({ url, token: '', signal: stop.signal });
  await t.throwsAsync(client.status(), { message: 'enough' });
});

const problem = (status: number, problemCode: string): RequestListener => {
  const body = JSON.stringify({ status, code: problemCode, detail: 'full' });
  return (_, response) => {
    response.writeHead(status, { 'retry-after': '5' }).end(body);
  };
};

test('a busy server and a token that is missing or wrong are told with what to do', async (t) => {
  const busy = await serverOf(t, problem(503, 'CLV_OVERLOADED'));
  await t.throwsAsync(createApiClient({ url: busy, token: '' }).status(), {
    code: 'CLV_OVERLOADED',
    message: `${busy} takes no more just now: full; try again in 5 s`,
  });
  const closed = await serverOf(t, problem(401, 'CLV_UNAUTHORIZED'));
  const tokenHelp = 'ask the operator';
  for (const [token, said] of [
    ['', 'wants a token'],
    ['x', 'does not take this token'],
  ] as const) {
    await t.throwsAsync(createApiClient({ url: closed, token, tokenHelp }).status(), {
      code: 'CLV_UNAUTHORIZED',
      message: `${closed} ${said}: ask the operator`,
    });
  }
});

test('a token that no header can carry is wrong use, and not in the error', (t) => {
  const { code: found, message } = t.throws(
    () => createApiClient({ url: 'http://127.0.0.1:2', token: 'hunter2\nx' }),
    { instanceOf: CloverError },
  );
  t.is(found, 'CLV_ARGUMENT_INVALID');
  t.false(message.includes('hunter2'));
});
