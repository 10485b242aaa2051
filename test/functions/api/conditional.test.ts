import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { examples } from '../resources/examples.ts';
import { call, put, refused } from './requests.ts';
import { startApi } from './server.ts';

const tapPath = '/apis/clover.dev/v1alpha1/namespaces/shop/taps/web';
const stored = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string(), uid: z.string() }),
});
const tap = (port: number, metadata: object = {}): object => ({
  ...examples.Tap,
  metadata: { ...examples.Tap.metadata, ...metadata },
  spec: { ports: [port] },
});

async function startWithTap(t: ExecutionContext) {
  const api = await startApi(t);
  const { metadata } = stored.parse(await (await put(api, tapPath, tap(1))).json());
  return { api, metadata };
}

test('If-Match writes over the version that it names, and over no other (412)', async (t) => {
  const { api } = await startWithTap(t);
  const good = await put(api, tapPath, tap(2), { 'if-match': '"0", "1"' });
  t.is(good.status, 200);
  const weak = put(api, tapPath, tap(3), { 'if-match': 'W/"2"' });
  await refused(t, weak, 412, 'CLV_PRECONDITION_FAILED');
  t.is(good.headers.get('etag'), '"2"');
  await refused(
    t,
    put(api, tapPath, tap(3), { 'if-match': '"1"' }),
    412,
    'CLV_PRECONDITION_FAILED',
  );
  t.is((await put(api, tapPath, tap(3), { 'if-match': '*' })).status, 200);
  const absent = tapPath.replace('web', 'none');
  const other = { ...tap(1), metadata: { name: 'none', namespace: 'shop' } };
  await refused(t, put(api, absent, other, { 'if-match': '*' }), 412, 'CLV_PRECONDITION_FAILED');
});

test('If-None-Match: * creates only', async (t) => {
  const api = await startApi(t);
  t.is((await put(api, tapPath, tap(1), { 'if-none-match': '*' })).status, 201);
  await refused(
    t,
    put(api, tapPath, tap(2), { 'if-none-match': '*' }),
    412,
    'CLV_PRECONDITION_FAILED',
  );
});

test("a document's own resourceVersion or uid has to be that of the object (409)", async (t) => {
  const { api, metadata } = await startWithTap(t);
  t.is((await put(api, tapPath, tap(2, metadata))).status, 200);
  const { details } = await refused(t, put(api, tapPath, tap(3, metadata)), 409, 'CLV_CONFLICT');
  t.is(details[0]?.field, 'metadata.resourceVersion');
  await refused(t, put(api, tapPath, tap(3, { uid: 'another' })), 409, 'CLV_CONFLICT');
  t.is((await put(api, tapPath, tap(3, { resourceVersion: '' }))).status, 200);
  const absent = tap(1, { name: 'none', resourceVersion: '0' });
  const none = put(api, tapPath.replace('web', 'none'), absent);
  t.like(await refused(t, none, 409, 'CLV_CONFLICT'), {
    detail:
      'Tap shop/none: expected resourceVersion 0, found no such object: leave resourceVersion out to create one',
    details: [{ message: 'found "0"; there is no such object' }],
  });
});

test('a precondition that is no text is refused with its field (422), and null is none', async (t) => {
  const { api } = await startWithTap(t);
  for (const metadata of [{ resourceVersion: 1 }, { uid: true }, { uid: ['x'] }]) {
    const [field = ''] = Object.keys(metadata);
    const answer = put(api, tapPath, { ...tap(2, metadata), specs: {} });
    const { details } = await refused(t, answer, 422, 'CLV_RESOURCE_INVALID');
    t.is(details[0]?.field, `metadata.${field}`);
    t.regex(details[0]?.message ?? '', /^found .+; expected string$/);
    t.is(details[1]?.field, 'specs');
  }
  t.is((await call(api, tapPath)).headers.get('etag'), '"1"');
  t.is((await put(api, tapPath, tap(2, { uid: null, resourceVersion: null }))).status, 200);
});

test('a document may leave its namespace to the address, and may not name another one', async (t) => {
  const api = await startApi(t);
  for (const [index, namespace] of [undefined, null, ''].entries()) {
    const written = await put(api, tapPath, tap(index + 1, { namespace }));
    t.is(written.status, index === 0 ? 201 : 200);
  }
  t.is((await put(api, tapPath, tap(4, { namespace: 'shop' }))).status, 200);
  const other = put(api, tapPath, tap(5, { namespace: 'else', name: 'web9' }));
  const { details } = await refused(t, other, 422, 'CLV_RESOURCE_INVALID');
  t.deepEqual(details, [
    { field: 'metadata.name', message: 'found "web9"; must be "web" as in the address' },
    { field: 'metadata.namespace', message: 'found "else"; must be "shop" as in the address' },
  ]);
});

test('of ten writers with the same If-Match one wins', async (t) => {
  const { api } = await startWithTap(t);
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      put(api, tapPath, tap(100 + index), { 'if-match': '"1"' }),
    ),
  );
  const statuses = answers.map(({ status }) => status);
  t.is(statuses.filter((status) => status === 200).length, 1);
  t.is(statuses.filter((status) => status === 412).length, 9);
});

test('a deletion holds to its preconditions, and a dry run deletes nothing', async (t) => {
  const { api, metadata } = await startWithTap(t);
  const remove = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    call(api, tapPath, {
      method: 'DELETE',
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  await refused(t, remove({ preconditions: { uid: 'another' } }), 409, 'CLV_CONFLICT');
  await refused(t, remove({ preconditions: { resourceVersion: '77' } }), 409, 'CLV_CONFLICT');
  await refused(t, remove(undefined, { 'if-match': '"77"' }), 412, 'CLV_PRECONDITION_FAILED');
  const typo = await refused(t, remove({ precondition: {} }), 400, 'CLV_ARGUMENT_INVALID');
  t.is(typo.details[0]?.field, 'precondition');
  t.is((await remove({ kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] })).status, 200);
  t.is((await call(api, `${tapPath}?dryRun=All`, { method: 'DELETE' })).status, 200);
  t.is((await call(api, tapPath)).status, 200);
  const { uid, resourceVersion } = metadata;
  const options = { propagationPolicy: 'Background', preconditions: { uid, resourceVersion } };
  t.is((await remove(options)).status, 200);
  await refused(t, remove(undefined), 404, 'CLV_NOT_FOUND');
});

test('whatever is read and stays so is answered 304', async (t) => {
  const { api } = await startWithTap(t);
  for (const path of [
    '/apis',
    '/apis/clover.dev',
    '/apis/clover.dev/v1alpha1',
    '/apis/clover.dev/v1alpha1/taps',
    '/v1/status',
    '/v1/deadletters',
    '/v1/questions/red?from=1&to=2',
    tapPath,
  ]) {
    const etag = (await call(api, path)).headers.get('etag') ?? '';
    t.regex(etag, /^"[^"]+"$/, path);
    const again = await call(api, path, { headers: { 'if-none-match': `"x", ${etag}` } });
    t.is(again.status, 304, path);
    t.is(await again.text(), '');
  }
});

test('the media type is the best that the caller takes, or 406', async (t) => {
  const { api } = await startWithTap(t);
  const ask = (accept: string, query = ''): Promise<Response> =>
    call(api, `/apis/clover.dev/v1alpha1/taps${query}`, { headers: { accept } });
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  for (const accept of ['*/*', 'application/*;q=0.1', `${table},application/json`]) {
    t.is((await ask(accept)).headers.get('content-type'), 'application/json', accept);
  }
  for (const accept of ['text/html', table, 'application/json;q=0', 'text/event-stream']) {
    await refused(t, ask(accept), 406, 'CLV_NOT_ACCEPTABLE');
  }
  for (const [accept, type] of [
    ['*/*', 'application/x-ndjson'],
    ['application/json', 'application/json'],
    ['application/json;q=0.5, text/event-stream', 'text/event-stream'],
  ] as const) {
    const response = await ask(accept, '?watch=true');
    t.is(response.headers.get('content-type'), type);
    await response.body?.cancel();
  }
});

test('HEAD says what GET would, without a body and without a stream', async (t) => {
  const { api } = await startWithTap(t);
  const one = await call(api, tapPath, { method: 'HEAD' });
  t.is(one.headers.get('etag'), '"1"');
  t.is(await one.text(), '');
  for (const path of ['/v1/live', '/v1/events', '/apis/clover.dev/v1alpha1/taps?watch=1']) {
    t.is((await call(api, path, { method: 'HEAD' })).status, 200, path);
  }
  t.is(api.counters()['streams'], 0);
});

test('OPTIONS names the methods of a path', async (t) => {
  const { api } = await startWithTap(t);
  const answer = await call(api, tapPath, { method: 'OPTIONS' });
  t.is(answer.status, 204);
  t.is(answer.headers.get('allow'), 'GET, HEAD, PUT, DELETE, OPTIONS');
});
