import test from 'ava';
import { z } from 'zod';
import { examples } from '../resources/examples.ts';
import { call, put, refused } from './requests.ts';
import { rows, startApi } from './server.ts';

const apis = '/apis/clover.dev/v1alpha1';
const tapPath = `${apis}/namespaces/shop/taps/web`;
const stored = z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) });
const line = z.object({ type: z.string(), object: stored });

test('a PUT creates, changes or leaves an object, and says which', async (t) => {
  const api = await startApi(t);
  const made = await put(api, tapPath, examples.Tap);
  t.is(made.status, 201);
  t.is(made.headers.get('clover-outcome'), 'created');
  t.is(made.headers.get('etag'), '"1"');
  const same = await put(api, tapPath, examples.Tap);
  t.is(same.status, 200);
  t.is(same.headers.get('clover-outcome'), 'unchanged');
  const changed = await put(api, tapPath, { ...examples.Tap, spec: { ports: [81] } });
  t.is(changed.headers.get('clover-outcome'), 'configured');
  const read: unknown = await (await call(api, tapPath)).json();
  t.like(read, { kind: 'Tap', metadata: { generation: 2 }, spec: { ports: [81] }, status: {} });
});

test('what was read can be applied again', async (t) => {
  const api = await startApi(t);
  await put(api, tapPath, examples.Tap);
  const read: unknown = await (await call(api, tapPath)).json();
  t.is((await put(api, tapPath, read)).headers.get('clover-outcome'), 'unchanged');
});

test('a path that cannot be decoded is refused in our words, with the place', async (t) => {
  const api = await startApi(t);
  for (const name of ['%zz', '%ff']) {
    const path = tapPath.replace('web', name);
    t.like(await refused(t, call(api, path), 400, 'CLV_ARGUMENT_INVALID'), {
      detail: `${path} has a percent-encoding that is not UTF-8`,
      details: [{ field: 'path' }],
    });
  }
});

test('parameters of a list in a watch, and of a watch in a list, are refused with their place', async (t) => {
  const api = await startApi(t);
  for (const path of [`${apis}/taps`, '/apis/events.k8s.io/v1/namespaces/shop/events']) {
    for (const [query, name] of [
      ['watch=true&limit=10', 'limit'],
      ['watch=1&continue=x', 'continue'],
      ['timeoutSeconds=5', 'timeoutSeconds'],
      ['watch=false&timeoutSeconds=5', 'timeoutSeconds'],
    ] as const) {
      const answer = call(api, `${path}?${query}`);
      const { details } = await refused(t, answer, 400, 'CLV_ARGUMENT_INVALID');
      t.deepEqual(
        details.map(({ field }) => field),
        [name],
        query,
      );
      t.regex(details[0]?.message ?? '', /^found ".+"; belongs to a (?:list|watch): /);
    }
  }
});

test('a dry run stores nothing', async (t) => {
  const api = await startApi(t);
  const shown = await put(api, `${tapPath}?dryRun=All&fieldManager=test`, examples.Tap);
  t.is(shown.status, 201);
  t.is(shown.headers.get('clover-outcome'), 'created');
  t.is(shown.headers.get('etag'), null);
  const { metadata } = z
    .looseObject({ metadata: z.record(z.string(), z.unknown()) })
    .parse(await shown.json());
  t.false('resourceVersion' in metadata);
  await refused(t, call(api, tapPath), 404, 'CLV_NOT_FOUND');
  await put(api, tapPath, examples.Tap);
  const changed = await put(api, `${tapPath}?dryRun=All`, {
    ...examples.Tap,
    spec: { ports: [1] },
  });
  t.is(changed.headers.get('etag'), '"1"');
});

test('lists carry the kind and the version, in one namespace or all', async (t) => {
  const api = await startApi(t);
  await put(api, tapPath, examples.Tap);
  const all: unknown = await (await call(api, `${apis}/taps`)).json();
  t.like(all, {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'TapList',
    metadata: { resourceVersion: '1' },
  });
  const items = z.looseObject({ items: z.array(z.unknown()) });
  t.is(items.parse(all).items.length, 1);
  const other: unknown = await (await call(api, `${apis}/namespaces/other/taps`)).json();
  t.deepEqual(items.parse(other).items, []);
});

test('a read with the known ETag is answered 304 without a body', async (t) => {
  const api = await startApi(t);
  await put(api, tapPath, examples.Tap);
  for (const path of [tapPath, `${apis}/taps`]) {
    const response = await call(api, path, { headers: { 'if-none-match': '"1"' } });
    t.is(response.status, 304);
    t.is(await response.text(), '');
    t.is((await call(api, path, { headers: { 'if-none-match': '"0"' } })).status, 200);
  }
});

test('an invalid document is refused with the paths of its bad fields', async (t) => {
  const api = await startApi(t);
  const bad = { ...examples.Tap, spec: { ports: [0], prots: [] } };
  const { details } = await refused(t, put(api, tapPath, bad), 422, 'CLV_RESOURCE_INVALID');
  t.deepEqual(details.map(({ field }) => field).sort(), ['spec.ports[0]', 'spec.prots']);
  const wrongName = put(api, `${apis}/namespaces/shop/taps/other`, examples.Tap);
  t.is(
    (await refused(t, wrongName, 422, 'CLV_RESOURCE_INVALID')).details[0]?.field,
    'metadata.name',
  );
});

test('a body that is no JSON, is too large or of another type is refused', async (t) => {
  const api = await startApi(t);
  const send = (body: string, type = 'application/json'): Promise<Response> =>
    call(api, tapPath, { method: 'PUT', body, headers: { 'content-type': type } });
  await refused(t, send('{"kind":'), 400, 'CLV_ARGUMENT_INVALID');
  await refused(t, send('x', 'text/plain'), 415, 'CLV_UNSUPPORTED_MEDIA_TYPE');
  const latin1 = send('{}', 'application/json; charset=latin1');
  t.regex((await refused(t, latin1, 415, 'CLV_UNSUPPORTED_MEDIA_TYPE')).detail, /charset=latin1/);
  const empty = await refused(t, send('', 'application/json'), 400, 'CLV_ARGUMENT_INVALID');
  t.is(empty.detail, 'the body is not JSON in UTF-8: found nothing');
  t.deepEqual(empty.details, [{ field: 'body', message: 'found nothing' }]);
  const list = call(api, tapPath, {
    method: 'DELETE',
    body: '[]',
    headers: { 'content-type': 'application/json' },
  });
  t.like(await refused(t, list, 400, 'CLV_ARGUMENT_INVALID'), {
    detail: 'invalid body: found []; expected object',
    details: [{ field: 'body' }],
  });
  await refused(t, send(JSON.stringify('x'.repeat(1_100_000))), 413, 'CLV_BODY_TOO_LARGE');
});

test('a kind that Clover writes alone is not written by users', async (t) => {
  const api = await startApi(t);
  const path = `${apis}/namespaces/shop/experimentruns/r1`;
  const body = await refused(t, put(api, path, {}), 405, 'CLV_METHOD_NOT_ALLOWED');
  t.regex(body.detail, /ExperimentRun is written by Clover alone/);
  await refused(t, call(api, path, { method: 'DELETE' }), 405, 'CLV_METHOD_NOT_ALLOWED');
});

test('methods that a path has not are refused with those that it has', async (t) => {
  const api = await startApi(t);
  await refused(t, call(api, tapPath, { method: 'PATCH' }), 405, 'CLV_METHOD_NOT_ALLOWED');
  const answer = await call(api, `${apis}/taps`, { method: 'POST' });
  t.is(answer.status, 405);
  t.is(answer.headers.get('allow'), 'GET, HEAD, OPTIONS');
});

test('unknown resources and parameters are refused with what is known', async (t) => {
  const api = await startApi(t);
  t.regex(
    (await refused(t, call(api, `${apis}/tap`), 404, 'CLV_NOT_FOUND')).detail,
    /did you mean "taps"/,
  );
  const typo = await refused(t, call(api, `${apis}/taps?wacth=true`), 400, 'CLV_ARGUMENT_INVALID');
  t.deepEqual(typo.details[0]?.field, 'wacth');
  const watch = await refused(t, call(api, `${apis}/taps?watch=yes`), 400, 'CLV_ARGUMENT_INVALID');
  t.is(watch.details[0]?.field, 'watch');
  const time = await refused(
    t,
    call(api, '/v1/questions/red?from=soon'),
    400,
    'CLV_ARGUMENT_INVALID',
  );
  t.is(time.details[0]?.field, 'from');
  await refused(t, call(api, '/v1/questions/red?from=5&to=4'), 400, 'CLV_ARGUMENT_INVALID');
  for (const query of ['last=5', 'last=0s', 'last=99999h', 'last=5s&from=1']) {
    const asked = call(api, `/v1/questions/red?${query}`);
    const problem = await refused(t, asked, 400, 'CLV_ARGUMENT_INVALID');
    t.is(problem.details[0]?.field, 'last', query);
  }
});

test('a watch sends one JSON line per change, and bookmarks', async (t) => {
  const api = await startApi(t);
  await put(api, tapPath, examples.Tap);
  const stop = new AbortController();
  const response = await call(api, `${apis}/namespaces/shop/taps?watch=true`, {
    signal: stop.signal,
  });
  t.is(response.headers.get('content-type'), 'application/x-ndjson');
  const seen: string[] = [];
  let rest = '';
  let deleted = false;
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(
    new TextDecoderStream(),
  )) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const { type, object } = line.parse(JSON.parse(part));
      const text = `${type} ${object.metadata.resourceVersion}`;
      if (seen.at(-1) !== text) seen.push(text);
    }
    if (seen.at(-1) === 'BOOKMARK 1' && !deleted) {
      deleted = true;
      await call(api, tapPath, { method: 'DELETE' });
    }
    if (seen.at(-1) === 'BOOKMARK 2') break;
  }
  stop.abort();
  t.deepEqual(seen, ['ADDED 1', 'BOOKMARK 1', 'DELETED 2', 'BOOKMARK 2']);
});

test('a watch from a version that is forgotten is answered 410', async (t) => {
  const api = await startApi(t, { keepChanges: 1 });
  for (const port of [1, 2, 3])
    await put(api, tapPath, { ...examples.Tap, spec: { ports: [port] } });
  await refused(
    t,
    call(api, `${apis}/taps?watch=true&resourceVersion=1`),
    410,
    'CLV_RESOURCE_GONE',
  );
});

test('questions are answered for a window, by default the last five minutes', async (t) => {
  const api = await startApi(t);
  const before = Date.now();
  const red: unknown = await (await call(api, '/v1/questions/red')).json();
  t.like(red, { rows: rows.red });
  const window = api.asked();
  t.is((window?.to ?? 0) - (window?.from ?? 0), 300_000);
  t.true((window?.to ?? 0) >= before);
  await call(api, '/v1/questions/red?from=1970-01-01T00:00:01Z&to=2000');
  t.deepEqual(api.asked(), { from: 1000, to: 2000 });
  await call(api, '/v1/questions/red?last=1500ms&to=2000');
  t.deepEqual(api.asked(), { from: 500, to: 2000 });
});

test("Kubernetes' tools find the groups, the kinds, and what can be done with them", async (t) => {
  const api = await startApi(t);
  const read = async (path: string): Promise<unknown> => (await call(api, path)).json();
  t.like(await read('/apis'), {
    kind: 'APIGroupList',
    groups: [{ name: 'clover.dev' }, { name: 'events.k8s.io' }],
  });
  const resources = z.object({
    groupVersion: z.string(),
    resources: z.array(z.object({ name: z.string(), verbs: z.array(z.string()) })),
  });
  const own = resources.parse(await read(apis));
  t.is(own.groupVersion, 'clover.dev/v1alpha1');
  for (const { name, verbs } of own.resources) {
    t.is((await call(api, `${apis}/${name}`)).status, 200);
    t.is(verbs.includes('update'), name !== 'experimentruns', name);
  }
  const events = resources.parse(await read('/apis/events.k8s.io/v1'));
  t.deepEqual(events.resources, [{ name: 'events', verbs: ['list', 'watch'] }]);
});
