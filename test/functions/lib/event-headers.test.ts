import test from 'ava';
import fc from 'fast-check';
import { eventHeaders } from '../../../functions/lib/event-headers.ts';
import { decodeHttpMessage } from '../../../functions/host/cloud-event-http.ts';

const event = { specversion: '1.0', id: '1', source: '/nodes/a/b', type: 't' } as const;

test('attributes become ce- headers and the content type stays plain', (t) => {
  t.deepEqual(
    eventHeaders({ ...event, datacontenttype: 'application/json', extensions: { cloverwm: '5' } }),
    {
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': '/nodes/a/b',
      'ce-type': 't',
      'ce-cloverwm': '5',
      'content-type': 'application/json',
    },
  );
});

test("the HTTP binding's example value is encoded as it says", (t) => {
  const headers = eventHeaders({ ...event, extensions: { x: 'Euro € 😀' } });
  t.is(headers['ce-x'], 'Euro%20%E2%82%AC%20%F0%9F%98%80');
});

test('every value survives percent-decoding and is a visible ASCII header', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const encoded = eventHeaders({ ...event, extensions: { x: value } })['ce-x'] ?? '?';
      return /^[\x21-\x7e]*$/.test(encoded) && decodeURIComponent(encoded) === value.toWellFormed();
    }),
  );
  t.pass();
});

test('the host reads back what the agent writes', (t) => {
  const written = {
    ...event,
    time: '2026-01-01T00:00:00.000Z',
    datacontenttype: 'application/x-protobuf',
    extensions: { cloverspans: '3', cloverwm: '1234.5', cloverloss: 'spans.spool_full=7,x.é="%' },
  };
  const headers = Object.fromEntries(
    Object.entries(eventHeaders(written)).map(([name, value]): [string, string[]] => [
      name,
      [value],
    ]),
  );
  const data = Buffer.from('body');
  t.deepEqual(decodeHttpMessage(headers, data), { event: { ...written, data } });
});
