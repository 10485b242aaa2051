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
