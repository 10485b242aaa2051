import test from 'ava';
import fc from 'fast-check';
import type { Operation } from '../../../functions/api/operation.ts';
import { operations } from '../../../functions/api/operations.ts';
import { eventOf } from '../host/helpers.ts';
import { examples } from '../resources/examples.ts';
import { call, put } from './requests.ts';
import { startApi } from './server.ts';

const served = operations.filter(({ tag }) => tag !== 'Host');
const names = [
  '__proto__',
  'constructor',
  'continue',
  'dryRun',
  'fieldManager',
  'fieldSelector',
  'from',
  'labelSelector',
  'limit',
  'before',
  'resourceVersion',
  'timeoutSeconds',
  'to',
  'trigger',
  'watch',
];
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('', '0', '1', '-1', '1e3', '0x10', '9'.repeat(15), '9'.repeat(30), 'true', 'All'),
  fc.constantFrom('metadata.name=web', 'app=web', 'a in (', '2026-01-31T12:00:00Z', '\0', '../..'),
);
const segment = fc.oneof(
  fc.constantFrom('shop', 'web', '1', '%2e%2e', 'a%2Fb', '%00', '%ff', '%E0%A4%A', '__proto__'),
  text.map(encodeURIComponent),
);
const headerValue = fc.oneof(
  fc.constantFrom('*', '"1"', 'W/"1"', '"', ',,,', 'text/event-stream', '*/*;q=0', 'a/b;q=x'),
  fc.string({ maxLength: 20 }).map((value) => value.replaceAll(/[^\x21-\x7e]/g, '')),
);
const request = fc.record({
  operation: fc.constantFrom(...served),
  segments: fc.array(segment, { minLength: 3, maxLength: 3 }),
  query: fc.array(fc.tuple(fc.constantFrom(...names), text), { maxLength: 3 }),
  headers: fc.dictionary(
    fc.constantFrom('accept', 'if-match', 'if-none-match', 'last-event-id', 'content-type'),
    headerValue,
    { maxKeys: 2 },
  ),
  body: fc.oneof(
    fc.constantFrom('', '{', 'null', '[]', '{"preconditions":{"uid":1}}', '{"__proto__":{"x":1}}'),
    fc.json(),
  ),
});

function pathOf({ path }: Operation, segments: readonly string[]): string {
  let index = 0;
  return path.replaceAll(/\{\w+\}/g, () => segments[index++] || 'x');
}

test('no request that has a broken part is answered by a failure, or with what is inside', async (t) => {
  const api = await startApi(t);
  await put(api, '/apis/clover.dev/v1alpha1/namespaces/shop/taps/web', examples.Tap);
  api.broker.bury(eventOf(), 'a');
  await fc.assert(
    fc.asyncProperty(request, async ({ operation, segments, query, headers, body }) => {
      const asked = query.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
      const response = await call(api, `${pathOf(operation, segments)}?${asked}`, {
        method: operation.method.toUpperCase(),
        headers,
        ...(operation.method === 'get' ? {} : { body }),
      });
      const shown = `${operation.id} ${response.url}: ${response.status}`;
      t.true(response.status < 500, shown);
      if (response.status < 400) {
        await response.body?.cancel();
        return;
      }
      t.is(response.headers.get('content-type'), 'application/problem+json', shown);
      t.notRegex(await response.text(), /\.ts:\d|node_modules|\bat \w+ \(/, shown);
    }),
    { numRuns: 600 },
  );
  t.false('x' in {}, 'no prototype was changed');
});

test('a query parameter that is given twice is refused, whichever it is', async (t) => {
  const api = await startApi(t);
  for (const name of ['limit', 'watch', '__proto__']) {
    const response = await call(api, `/apis/clover.dev/v1alpha1/taps?${name}=1&${name}=1`);
    t.is(response.status, 400, name);
    t.regex(await response.text(), /more than once/);
  }
});

test('names that are no names lead nowhere', async (t) => {
  const api = await startApi(t);
  const at = '/apis/clover.dev/v1alpha1/namespaces/shop/taps';
  for (const [name, status] of [
    ['a%2Fb', 404],
    ['..%2f..%2fv1%2fstatus', 404],
    ['%00', 404],
    ['__proto__', 404],
    ['x'.repeat(254), 400],
    ['%ff', 400],
    ['web/', 404],
    ['web/status', 404],
  ] as const) {
    t.is((await call(api, `${at}/${name}`)).status, status, name);
  }
});

test('keys of a document that reach for a prototype are refused', async (t) => {
  const api = await startApi(t);
  const path = '/apis/clover.dev/v1alpha1/namespaces/shop/taps/web';
  const send = (document: string): Promise<Response> =>
    call(api, path, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: document,
    });
  const whole = JSON.stringify(examples.Tap);
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    const inSpec = whole.replace('"spec":{', `"spec":{"${key}":{"polluted":1},`);
    t.is((await send(inSpec)).status, 422, key);
    t.is((await send(whole.replace('{', `{"${key}":{"polluted":1},`))).status, 422, key);
    const inLabels = whole.replace('"name":"web"', `"name":"web","labels":{"${key}":"polluted"}`);
    t.true((await send(inLabels)).status < 500);
  }
  t.false('polluted' in {});
});
