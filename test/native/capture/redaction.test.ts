import test from 'ava';
import fc from 'fast-check';

import { client, headOf, readPackets, server } from './conversation.ts';
import { flow, nameOf, queryOf, second } from './dns.ts';
import { headersOf, spansOf } from './under-settings.ts';

test('a Tap redacts further headers, by name and by pattern, also those that every span has', async (t) => {
  const asked = headOf(
    'GET /p HTTP/1.1',
    'Host: cart',
    'X-Session-Token: secret',
    'X-Token: kept',
    'X-Tenant: secret',
    'X-Tenant-Id: kept',
    'X-Request-Id: secret',
    'Session-Secret-Key: secret',
  );
  const answered = headOf('HTTP/1.1 200 OK', 'X-Tenant: secret', 'Content-Length: 0');
  const names = ['x-session-token', 'x-token', 'x-tenant', 'x-tenant-id', 'session-secret-key'];
  const [span] = await spansOf([client(asked), server(answered)], {
    requestHeaders: names,
    responseHeaders: names,
    redactedHeaders: ['x-*-token', 'x-tenant', '*secret*', 'x-req*-id', 'x'],
  });
  t.deepEqual(headersOf(span), {
    'http.request.header.x-session-token': 'REDACTED',
    'http.request.header.x-token': 'kept',
    'http.request.header.x-tenant': 'REDACTED',
    'http.request.header.x-tenant-id': 'kept',
    'http.request.header.x-request-id': 'REDACTED',
    'http.request.header.session-secret-key': 'REDACTED',
    'http.response.header.x-tenant': 'REDACTED',
  });
});

test('a pattern means what the same regular expression does', async (t) => {
  const letters = fc.stringMatching(/^[ab]{1,6}$/);
  await fc.assert(
    fc.asyncProperty(letters, fc.stringMatching(/^[ab*]{1,6}$/), async (name, pattern) => {
      const asked = headOf('GET /p HTTP/1.1', 'Host: cart', `${name}: v`);
      const answered = headOf('HTTP/1.1 200 OK', 'Content-Length: 0');
      const [span] = await spansOf([client(asked), server(answered)], {
        requestHeaders: [name],
        redactedHeaders: [pattern],
      });
      const matches = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name);
      t.is(span?.attributes[`http.request.header.${name}`], matches ? 'REDACTED' : 'v');
    }),
    { numRuns: 300 },
  );
});

test('values of queries are told by name alone, and nobody’s else', async (t) => {
  const asked = headOf(
    'GET /p?page=2&token=secret&page=3&x&sort=imei-123456789012345 HTTP/1.1',
    'Host: cart',
  );
  const answered = headOf('HTTP/1.1 200 OK', 'Content-Length: 0');
  const turns = [client(asked), server(answered)];
  const [plain] = await spansOf(turns, {});
  t.is(
    plain?.attributes['url.query'],
    'page=REDACTED&token=REDACTED&page=REDACTED&REDACTED&sort=REDACTED',
  );
  const [told] = await spansOf(turns, { queryValues: ['page', 'sort'] });
  t.is(told?.attributes['url.query'], 'page=2&token=REDACTED&page=3&REDACTED&sort=imei-REDACTED');
});

test('what a query has without a name is a value', async (t) => {
  const asked = headOf('GET /verify?one-time-token HTTP/1.1', 'Host: cart');
  const [plain] = await spansOf([client(asked)], {});
  t.is(plain?.attributes['url.query'], 'REDACTED');
  const [told] = await spansOf([client(asked)], { queryValues: ['one-time-token'] });
  t.is(told?.attributes['url.query'], 'one-time-token');
});

test('no value of a field or parameter that is not named is told', async (t) => {
  const name = fc.stringMatching(/^q[a-z0-9-]{0,12}$/);
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { minLength: 2, maxLength: 6 }),
      async ([kept, ...others]) => {
        const fields = others.map((other) => `${other}: secret`);
        const query = others.map((other) => `${other}=secret`).join('&');
        const asked = headOf(`GET /p?${query} HTTP/1.1`, `${kept}: kept`, ...fields, 'x-q: secret');
        const [span] = await spansOf([client(asked)], {
          requestHeaders: [kept ?? ''],
          queryValues: [kept ?? ''],
        });
        const told = JSON.stringify(span?.attributes ?? {});
        t.false(told.includes('secret'));
      },
    ),
    { numRuns: 200 },
  );
});

test('numbers of telephones in names do not leave the node', async (t) => {
  const digits = Array.from({ length: 8 }, (_, at) => `${8 - at}`);
  for (const [zone, told] of [
    [['e164', 'arpa'], 'REDACTED.e164.arpa'],
    [['E164', 'ARPA'], 'REDACTED.e164.arpa'],
    [['mnc001', 'e164enum', 'net'], 'REDACTED.e164enum.net'],
    [['ip6', 'arpa'], '8.7.6.5.4.3.2.1.ip6.arpa'],
    [['xe164', 'arpa'], '8.7.6.5.4.3.2.1.xe164.arpa'],
  ] as const) {
    const name = nameOf(...digits, ...zone);
    const { spans } = await readPackets(flow(['up', queryOf(1, name, 35)]), 60n * second);
    t.is(spans[0]?.attributes['dns.question.name'], told);
  }
  const { spans } = await readPackets(
    flow(['up', queryOf(1, nameOf('e164', 'arpa'), 6)]),
    60n * second,
  );
  t.is(spans[0]?.attributes['dns.question.name'], 'e164.arpa');
});
