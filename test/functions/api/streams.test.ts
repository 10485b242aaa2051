import { connect } from 'node:net';
import test from 'ava';
import { z } from 'zod';
import { serverSentEvents, type ServerSentEvent } from '../../../functions/api/client-text.ts';
import { liveView } from '../../../functions/api/schemas/live.ts';
import { eventOf, until } from '../host/helpers.ts';
import { examples } from '../resources/examples.ts';
import { call, put, refused } from './requests.ts';
import { startApi, type ApiServer } from './server.ts';

const taps = '/apis/clover.dev/v1alpha1/taps';
const tapPath = '/apis/clover.dev/v1alpha1/namespaces/shop/taps/web';
const change = z.object({
  type: z.string(),
  object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) }),
});

async function open(
  api: ApiServer,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return call(api, path, { headers: { accept: 'text/event-stream', ...headers } });
}

const putTap = (api: ApiServer, port: number): Promise<Response> =>
  put(api, tapPath, { ...examples.Tap, spec: { ports: [port] } });

/** The next events that pass, and the stream's end. */
async function take(
  response: Response,
  count: number,
  passes: (event: ServerSentEvent) => boolean = () => true,
): Promise<ServerSentEvent[]> {
  const seen: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(response)) {
    if (passes(event)) seen.push(event);
    if (seen.length === count) break;
  }
  return seen;
}

const isChange = ({ data }: ServerSentEvent): boolean => !data.includes('BOOKMARK');

test('a watch by server-sent events goes on after the last id, without a gap', async (t) => {
  const api = await startApi(t);
  await putTap(api, 1);
  const [first] = await take(await open(api, `${taps}?watch=true`), 1, isChange);
  t.is(first?.id, '');
  t.is(change.parse(JSON.parse(first?.data ?? '')).type, 'ADDED');
  for (const port of [2, 3]) await putTap(api, port);
  const resumed = await open(api, `${taps}?watch=true`, { 'last-event-id': '1' });
  const seen = await take(resumed, 2, isChange);
  t.deepEqual(
    seen.map(({ id, data }) => `${change.parse(JSON.parse(data)).type} ${id}`),
    ['MODIFIED 2', 'MODIFIED 3'],
  );
});

test('a watch by server-sent events from a forgotten version is told so in the stream', async (t) => {
  const api = await startApi(t, { keepChanges: 1 });
  for (const port of [1, 2, 3]) await putTap(api, port);
  const response = await open(api, `${taps}?watch=true&resourceVersion=1`);
  t.is(response.status, 200);
  const [error] = await take(response, 1);
  t.is(error?.event, 'error');
  t.regex(error?.data ?? '', /CLV_RESOURCE_GONE/);
});

test('a Last-Event-ID that no watch has given is refused by its own name', async (t) => {
  const api = await startApi(t);
  const answer = open(api, `${taps}?watch=true`, { 'last-event-id': 'x' });
  const { detail, details } = await refused(t, answer, 400, 'CLV_ARGUMENT_INVALID');
  t.is(details[0]?.field, 'last-event-id');
  t.is(detail, 'last-event-id: found "x"; must be the id of an event of this watch, a number');
});

test('a watch tells of the objects that the selectors name only, and ends in time', async (t) => {
  const api = await startApi(t);
  await putTap(api, 1);
  for (const [query, count] of [
    ['fieldSelector=metadata.name=web', 1],
    ['fieldSelector=metadata.name==web,metadata.namespace=shop', 1],
    ['fieldSelector=metadata.name=other', 0],
    ['fieldSelector=metadata.name=other,metadata.name=web', 0],
    ['fieldSelector=metadata.name=web,metadata.name=web', 1],
    ['fieldSelector=metadata.namespace=other', 0],
  ] as const) {
    const list = z.object({ items: z.array(z.unknown()) });
    const listed = list.parse(await (await call(api, `${taps}?${query}`)).json());
    t.is(listed.items.length, count, query);
    const watch = `${taps}?watch=true&timeoutSeconds=1&allowWatchBookmarks=false&${query}`;
    t.is((await take(await open(api, watch), 9)).length, count, query);
  }
  const bad = await refused(
    t,
    call(api, `${taps}?fieldSelector=spec.ports=1`),
    400,
    'CLV_ARGUMENT_INVALID',
  );
  t.is(bad.details[0]?.field, 'fieldSelector');
});

test('a stream sends its head at once, also where there is nothing to tell', async (t) => {
  const api = await startApi(t, { heartbeatMs: 3_600_000 });
  const headOf = async (path: string, accept: string): Promise<string> => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    t.teardown(() => socket.destroy());
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    socket.write(
      `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.token}\r\naccept: ${accept}\r\n\r\n`,
    );
    const end = accept === 'text/event-stream' ? '\r\n:\n\n\r\n' : '\r\n\r\n';
    await until(() => answer.includes(end));
    return answer;
  };
  const quiet = `${taps}?watch=true&allowWatchBookmarks=false`;
  for (const from of ['', '&resourceVersion=1']) {
    if (from !== '') await putTap(api, 1);
    for (const accept of ['text/event-stream', 'application/json', 'application/x-ndjson']) {
      const answer = await headOf(quiet + from, accept);
      t.regex(answer, new RegExp(`^HTTP/1\\.1 200 [^]*content-type: ${accept}`, 'i'));
    }
  }
  for (const path of [`${taps}?watch=true`, '/v1/live', '/v1/events']) {
    t.regex(await headOf(path, 'text/event-stream'), /^HTTP\/1\.1 200 /, path);
  }
});

test('the live view is whole from its first event on', async (t) => {
  const api = await startApi(t);
  const path = '/apis/clover.dev/v1alpha1/namespaces/shop/experiments/try-v2';
  await put(api, path, examples.Experiment);
  const seen = await take(await open(api, '/v1/live'), 2);
  for (const { data } of seen) {
    t.like(liveView.parse(JSON.parse(data)), {
      red: { rows: [{ service: 'proxy', version: 'v1' }] },
      experiments: [{ name: 'try-v2', phase: 'Pending', control: 'v1', variant: 'v2' }],
      broker: { depth: 3 },
    });
  }
  t.not(seen[0]?.id, seen[1]?.id);
  const known = seen[1]?.id ?? '';
  const [next] = await take(await open(api, '/v1/live', { 'last-event-id': known }), 1);
  t.not(next?.id, known);
});

test('a live view does not wait for an analytics store that is slow or down', async (t) => {
  const red = [() => Promise.reject(new Error('down')), () => new Promise<never>(() => undefined)];
  for (const broken of red) {
    const api = await startApi(t, { red: broken });
    const [first] = await take(await open(api, '/v1/live'), 1);
    t.is(liveView.parse(JSON.parse(first?.data ?? '')).red, null);
  }
});

const seen = (size: number): { readonly size: number; readonly missed: number } => ({
  size,
  missed: 0,
});

test('the tail shows events as they are taken, whatever their data is', async (t) => {
  const api = await startApi(t);
  const response = await open(api, '/v1/events');
  const json = { datacontenttype: 'application/json', extensions: { traceparent: 'x' } };
  await api.broker.publish(eventOf({ ...json, data: Buffer.from('{"a":[1]}') }));
  await api.broker.publish(eventOf({ datacontenttype: 'text/plain', data: Buffer.from('hé') }));
  await api.broker.publish(eventOf({ datacontenttype: 'image/png', data: Buffer.from([1, 255]) }));
  await api.broker.publish(eventOf({ ...json, data: Buffer.from('{"a":') }));
  const events = (await take(response, 4)).map(({ data }) => JSON.parse(data) as unknown);
  const common = { specversion: '1.0', id: '1', source: '/test', type: 'test.event' };
  const { datacontenttype } = json;
  t.deepEqual(events, [
    { event: { ...common, datacontenttype, traceparent: 'x', data: { a: [1] } }, ...seen(9) },
    { event: { ...common, datacontenttype: 'text/plain', data: 'hé' }, ...seen(3) },
    { event: { ...common, datacontenttype: 'image/png', data_base64: 'Af8=' }, ...seen(2) },
    {
      event: { ...common, datacontenttype, traceparent: 'x', data_base64: 'eyJhIjo=' },
      ...seen(5),
    },
  ]);
});

test('a quiet stream shows that it lives by comments', async (t) => {
  const api = await startApi(t);
  const response = await open(api, '/v1/events');
  let text = '';
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(
    new TextDecoderStream(),
  )) {
    text += chunk;
    if (text.length >= 9) break;
  }
  t.regex(text, /^(:\n\n){3,}$/);
});

test('more streams than the limit are refused until one ends', async (t) => {
  const api = await startApi(t, { limits: { streams: 2 } });
  const first = await open(api, '/v1/live');
  await open(api, '/v1/events');
  const answer = open(api, '/v1/live');
  t.is((await answer).headers.get('retry-after'), '5');
  await refused(t, answer, 503, 'CLV_OVERLOADED');
  t.like(api.counters(), { streams: 2, streamsRefused: 1 });
  await first.body?.cancel();
  await until(() => api.counters()['streams'] === 1);
  t.is((await open(api, '/v1/live')).status, 200);
});

test('a reader that takes nothing is dropped, and counted', async (t) => {
  const api = await startApi(t, { limits: { slowMs: 50 } });
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  socket.pause();
  socket.write(`GET /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.token}\r\n\r\n`);
  await until(() => api.counters()['streams'] === 1);
  const data = Buffer.alloc(1024 * 1024);
  await until(async () => {
    await api.broker.publish(eventOf({ datacontenttype: 'application/x', data }));
    return api.counters()['slowReadersDropped'] === 1;
  });
  await until(() => api.counters()['streams'] === 0);
  t.pass();
});

test('when the function closes, its streams end as a whole', async (t) => {
  const api = await startApi(t);
  const streams = await Promise.all(
    ['/v1/live', '/v1/events', `${taps}?watch=true`].map((path) => open(api, path)),
  );
  await api.closeApi();
  for (const stream of streams) await t.notThrowsAsync(stream.text());
  t.is(api.counters()['streams'], 0);
});

test('a filter of the tail that is none is refused with its place, however deep', async (t) => {
  const api = await startApi(t);
  const tail = (filter: string) =>
    call(api, `/v1/events?${new URLSearchParams({ filter }).toString()}`);
  const text = await refused(t, tail('type=a'), 400, 'CLV_ARGUMENT_INVALID');
  t.is(text.details[0]?.field, 'filter');
  for (const filter of ['1', '{}', '[{"exact":{"Type":"a"}}]', '{"cesql":"a b"}']) {
    await refused(t, tail(filter), 400, 'CLV_FILTER_INVALID');
  }
  const deep = `${'{"not":'.repeat(400)}{}${'}'.repeat(400)}`;
  await refused(t, tail(deep), 400, 'CLV_FILTER_INVALID');
  await refused(t, tail(`"${'a'.repeat(6_000)}"`), 400, 'CLV_ARGUMENT_INVALID');
});
