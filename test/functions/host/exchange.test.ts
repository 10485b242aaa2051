import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { Exchange } from '../../../functions/host/exchange.ts';
import {
  noTelemetry,
  type Telemetry,
  type TelemetryAttributes,
} from '../../../functions/host/telemetry.ts';
import { listenOnLoopback, until } from './helpers.ts';

/** What is told of a request that is cut once this was done with its response. */
async function toldOfCut(t: ExecutionContext, answer: (response: ServerResponse) => void) {
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line) => lines.push(line) });
  const attributes: TelemetryAttributes[] = [];
  const telemetry: Telemetry = {
    ...noTelemetry,
    span: (name, start) => ({
      ...noTelemetry.span(name, start),
      set: (more) => attributes.push(more),
    }),
    record: (_name, _value, more = {}) => attributes.push(more),
  };
  const server = createServer((request, response) => {
    const exchange = new Exchange(request, response, { log, telemetry, newId: () => 'r-1' });
    t.false(exchange.isClosed);
    exchange.onClose(() => t.true(exchange.isClosed));
    answer(response);
  });
  const socket = connect(await listenOnLoopback(server), '127.0.0.1');
  t.teardown(() => {
    server.close();
    socket.destroy();
  });
  let began = false;
  server.once('request', () => {
    began = true;
  });
  socket.on('data', () => undefined);
  socket.write('GET /x HTTP/1.1\r\nhost: x\r\n\r\n');
  await until(() => began);
  socket.destroy();
  await until(() => lines.length > 0);
  return { line: lines[0] ?? '', attributes };
}

test('a request that is cut before its answer has no status; none was sent', async (t) => {
  const { line, attributes } = await toldOfCut(t, () => undefined);
  t.like(JSON.parse(line), {
    level: 40,
    msg: 'request',
    requestId: 'r-1',
    url: '/x',
    whole: false,
  });
  t.notRegex(line, /"status"/);
  t.is(attributes.length, 2);
  for (const each of attributes) t.false('http.response.status_code' in each);
});

test('a request that is cut in its answer has the status that was sent', async (t) => {
  const { line, attributes } = await toldOfCut(t, (response) => {
    response.writeHead(201, { 'content-length': 10 }).write('x');
  });
  t.like(JSON.parse(line), { level: 40, status: 201, whole: false });
  t.deepEqual(
    attributes.map((each) => each['http.response.status_code']),
    [201, 201],
  );
});
