import { connect } from 'node:net';
import test from 'ava';
import { handlersOf } from './helpers.ts';
import { authorization, raw, start } from './start-host.ts';

const event = 'ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /t\r\nce-type: direct\r\n';
const head = (path: string, more: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${event}${more}\r\n`;

test('who waits for 100 Continue hears first whether the event is wanted', async (t) => {
  const { port } = await start(t, { handlers: handlersOf(['direct'], async () => undefined) });
  const expect = 'content-length: 2\r\nexpect: 100-continue\r\n';
  const stranger = await raw(port, head('/functions/f', expect));
  t.regex(stranger, /^HTTP\/1\.1 401 /);
  const wrong = await raw(
    port,
    head('/functions/g', `authorization: ${authorization}\r\n${expect}`),
  );
  t.regex(wrong, /^HTTP\/1\.1 404 /);
  const large = 'content-length: 999999\r\nexpect: 100-continue\r\n';
  const refused = await raw(port, head('/broker', `authorization: ${authorization}\r\n${large}`));
  t.regex(refused, /^HTTP\/1\.1 413 [^]*CLV_BODY_TOO_LARGE/);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(head('/functions/f', `authorization: ${authorization}\r\n${expect}`));
    let text = '';
    socket.on('data', (data) => {
      if (text === '') socket.write('{}');
      text += data.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
  t.regex(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 204 /);
});

test('who ends its side after the request still gets the answer', async (t) => {
  const { port } = await start(t, {
    handlers: handlersOf(['direct'], () => new Promise((resolve) => setTimeout(resolve, 50))),
  });
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(head('/functions/f', `authorization: ${authorization}\r\ncontent-length: 0\r\n`));
    let text = '';
    socket.on('data', (data) => (text += data.toString()));
    socket.on('error', reject);
    socket.on('end', () => resolve(text));
  });
  t.regex(answer, /^HTTP\/1\.1 204 /);
});

test('10^5 headers and a huge address are cut by limits', async (t) => {
  const { port } = await start(t, {});
  const many = await raw(
    port,
    `GET /health/live HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(100_000)}\r\n`,
  );
  t.regex(many, /^HTTP\/1\.1 431 /);
  const long = await raw(port, `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`);
  t.regex(long, /^HTTP\/1\.1 431 /);
});

test('what HTTP itself refuses is a problem that names the fix, and health is no exception', async (t) => {
  const { port } = await start(t, { handlers: handlersOf(['direct'], async () => undefined) });
  const get = (target: string, more = ''): Promise<string> =>
    raw(port, `GET ${target} HTTP/1.1\r\nconnection: close\r\n${more}\r\n`);
  const noHost = await get('/health/live');
  t.regex(noHost, /^HTTP\/1\.1 400 [^]*"code":"CLV_ARGUMENT_INVALID"[^]*"field":"host"/);
  for (const lines of ['host: a\r\nHOST: a\r\n', 'host: a\r\nx: y\r\nHost: b\r\n']) {
    const twoHosts = await get('/health/live', lines);
    t.regex(twoHosts, /^HTTP\/1\.1 400 [^]*more than one Host[^]*"field":"host"/);
  }
  t.regex(await raw(port, 'GET /health/live HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
  const version2 = await raw(
    port,
    `POST /broker HTTP/2.0\r\nhost: x\r\nconnection: close\r\nauthorization: ${authorization}\r\ncontent-length: 0\r\n\r\n`,
  );
  t.regex(
    version2,
    /^HTTP\/1\.1 505 [^]*found HTTP\/2\.0; send HTTP\/1\.1","code":"CLV_HTTP_VERSION_UNSUPPORTED"/,
  );
  const expecting = await get('/health/live', 'host: x\r\nexpect: foo\r\n');
  t.regex(expecting, /^HTTP\/1\.1 417 [^]*application\/problem\+json/);
  t.regex(
    expecting,
    /found \\"foo\\"; only 100-continue is known","code":"CLV_EXPECTATION_FAILED"/,
  );
  const tunnel = await raw(port, 'CONNECT example:443 HTTP/1.1\r\nhost: example:443\r\n\r\n');
  t.regex(tunnel, /^HTTP\/1\.1 405 [^]*allow: \r\n[^]*"code":"CLV_METHOD_NOT_ALLOWED"/);
});

test('a target in absolute form is its path, whatever its authority', async (t) => {
  const { port } = await start(t, { handlers: handlersOf(['direct'], async () => undefined) });
  const more = `authorization: ${authorization}\r\ncontent-length: 2\r\n`;
  for (const [target, status] of [
    ['http://x/functions/f', 204],
    ['HTTPS://other.example:8443/broker?a=/b', 202],
    ['http://x', 404],
    ['http://x?/broker', 404],
  ] as const) {
    t.regex(
      await raw(port, `${head(target, more)}{}`),
      new RegExp(`^HTTP/1\\.1 ${status} `),
      target,
    );
  }
});

test('an address of more than 8 KiB is 414 wherever it leads, and no long one is repeated', async (t) => {
  const { url } = await start(t, {});
  const get = (path: string): Promise<Response> =>
    fetch(url + path, { headers: { authorization } });
  const long = 'x'.repeat(9_000);
  for (const path of [
    `/${long}`,
    `/functions/${long}`,
    `/broker?${long}`,
    `/health/live?${long}`,
  ]) {
    const response = await get(path);
    const problem = await response.text();
    t.is(response.status, 414, path.slice(0, 20));
    t.regex(problem, /"code":"CLV_URL_TOO_LONG"/);
    t.true(problem.length < 500);
  }
  const most = `/${'y'.repeat(8 * 1024 - 1)}`;
  const unknown = await get(most);
  t.is(unknown.status, 404);
  t.regex(await unknown.text(), /there is nothing at \/y{126}…"/);
  const noFunction = await fetch(`${url}/functions/${'z'.repeat(8_000)}`, {
    method: 'POST',
    headers: { authorization, 'ce-specversion': '1.0' },
  });
  t.is(noFunction.status, 404);
  t.regex(await noFunction.text(), /there is no function z{127}…"/);
});
