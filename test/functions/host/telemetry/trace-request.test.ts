import { once } from 'node:events';
import { createServer, request, type RequestListener } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import type { Telemetry, TelemetryAttributes } from '../../../../functions/host/telemetry.ts';
import { traceRequest } from '../../../../functions/host/telemetry/trace-request.ts';
import { listenOnLoopback } from '../helpers.ts';

interface Told {
  /** Every name that the span had. */
  readonly names: string[];
  attributes: TelemetryAttributes;
  /** What it was failed with. */
  readonly failures: unknown[];
  /** Attributes of the duration. */
  readonly durations: TelemetryAttributes[];
}

/** Serves one request, and tells what was measured of it once it is over. */
async function measure(
  t: ExecutionContext,
  method: string,
  answer: RequestListener,
  isLeft = false,
): Promise<Told> {
  const told: Told = { names: [], attributes: {}, failures: [], durations: [] };
  const over = Promise.withResolvers<void>();
  const telemetry: Telemetry = {
    span: (name, { attributes }) => {
      told.names.push(name);
      const set = (more: TelemetryAttributes = {}): void => {
        told.attributes = { ...told.attributes, ...more };
      };
      set(attributes);
      return {
        traceparent: undefined,
        set,
        rename: (text) => told.names.push(text),
        fail: (thrown) => told.failures.push(thrown),
        end: () => over.resolve(),
      };
    },
    record: (_name, _value, attributes = {}) => told.durations.push(attributes),
    count: () => undefined,
    observe: () => undefined,
    shutdown: async () => undefined,
  };
  const server = createServer((incoming, response) => {
    const { end } = traceRequest(telemetry, incoming, response, '/functions/cart');
    response.once('close', () => end?.());
    answer(incoming, response);
  });
  const port = await listenOnLoopback(server);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const asked = request({ port, method, path: '/functions/cart', agent: false });
  asked.on('error', () => undefined);
  asked.end();
  if (isLeft) {
    const came: Promise<unknown[]> = once(server, 'request');
    await came;
    asked.destroy();
  } else {
    asked.once('response', (response) => response.resume());
  }
  await over.promise;
  return told;
}

test('a request that was served is named by its route, and is no failure', async (t) => {
  const told = await measure(t, 'GET', (_, response) => response.writeHead(404).end());
  t.deepEqual(told.names, ['GET', 'GET /functions/{name}']);
  t.like(told.attributes, { 'http.response.status_code': 404, 'url.scheme': 'http' });
  t.false('error.type' in told.attributes);
  t.deepEqual(told.failures, []);
  t.deepEqual(told.durations, [
    {
      'http.request.method': 'GET',
      'url.scheme': 'http',
      'http.response.status_code': 404,
      'http.route': '/functions/{name}',
    },
  ]);
});

test('a status from 500 on is a failure of that name, which nobody has thrown', async (t) => {
  const told = await measure(t, 'POST', (_, response) => response.writeHead(503).end());
  t.is(told.attributes['error.type'], '503');
  t.is(told.durations[0]?.['error.type'], '503');
  t.deepEqual(told.failures, [undefined]);
});

test('a caller that did not wait is a failure, whatever the status was to be', async (t) => {
  const told = await measure(t, 'GET', () => undefined, true);
  t.is(told.attributes['error.type'], 'aborted');
  t.false('http.response.status_code' in told.attributes);
  t.deepEqual(told.failures, [undefined]);
});

test('a method that is none of the known ones keeps its name out of names', async (t) => {
  const told = await measure(t, 'PROPFIND', (_, response) => response.end());
  t.deepEqual(told.names, ['HTTP', 'HTTP /functions/{name}']);
  t.like(told.attributes, {
    'http.request.method': '_OTHER',
    'http.request.method_original': 'PROPFIND',
  });
  t.is(told.durations[0]?.['http.request.method'], '_OTHER');
});
