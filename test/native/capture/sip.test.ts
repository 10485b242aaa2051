import test from 'ava';

import { gapsOf, readPackets, startNs } from './conversation.ts';
import { second } from './dns.ts';
import { brief, callOf, sipFlow, sipMessage, sipRequest, sipResponse } from './sip.ts';

const ms = 1_000_000n;

test('to a client a refusal is an error', async (t) => {
  const options = { method: 'OPTIONS' };
  const { spans } = await readPackets(
    sipFlow(['out', sipRequest(options)], ['in', sipResponse(404, options)]),
  );
  t.deepEqual(spans.map(brief), ['OPTIONS CLIENT 404 404']);
  t.is(spans[0]?.status, 2);
});

for (const method of ['REGISTER', 'OPTIONS', 'MESSAGE', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH', 'INFO'])
  test(`${method} is a span that ends with its final answer`, async (t) => {
    const { spans, ledger } = await readPackets(
      sipFlow(
        ['in', sipRequest({ method })],
        ['out', sipResponse(100, { method })],
        ['out', sipResponse(202, { method, toTag: 'b' })],
      ),
    );
    t.deepEqual(spans.map(brief), [`${method} SERVER 202`]);
    t.is(spans[0]?.endNs, startNs + 20n * ms);
    t.deepEqual(gapsOf(ledger), []);
  });

test('a method that nobody knows has a name of few values', async (t) => {
  const method = 'XYZZY';
  const { spans } = await readPackets(
    sipFlow(['in', sipRequest({ method })], ['out', sipResponse(501, { method })]),
  );
  t.deepEqual(spans.map(brief), ['SIP SERVER 501 501']);
  t.like(spans[0]?.attributes, {
    'sip.request.method': '_OTHER',
    'sip.request.method_original': method,
  });
});

test('a challenge and its answer are two transactions', async (t) => {
  const first = { method: 'REGISTER', branch: 'z9hG4bK1' };
  const next = {
    method: 'REGISTER',
    branch: 'z9hG4bK2',
    cseq: 2,
    extra: ['Authorization: Digest username="alice", response="f00"'],
  };
  const { spans } = await readPackets(
    sipFlow(
      ['in', sipRequest(first)],
      ['out', sipResponse(401, first)],
      ['in', sipRequest(next)],
      ['out', sipResponse(200, next)],
    ),
  );
  t.deepEqual(spans.map(brief), ['REGISTER SERVER 401', 'REGISTER SERVER 200']);
  const told = JSON.stringify(spans.map(({ attributes }) => attributes));
  for (const secret of ['Digest', 'f00', 'secret', 'Alice', 'transport='])
    t.false(told.includes(secret), secret);
});

test('a request that nobody answers fails after 32 s, and one that only rings after 180 s more', async (t) => {
  const options = sipRequest({ method: 'OPTIONS' });
  const { spans } = await readPackets(sipFlow(['out', options], ['out', options]), 60n * second);
  t.deepEqual(spans.map(brief), ['OPTIONS CLIENT timeout']);
  t.is(spans[0]?.endNs, startNs + 32n * second);
  const invite = { method: 'INVITE' };
  const ringing = sipFlow(
    ['out', sipRequest(invite)],
    ['in', sipResponse(180, { ...invite, toTag: 'b' })],
  );
  t.deepEqual((await readPackets(ringing, 100n * second)).spans, []);
  const { spans: late, ledger } = await readPackets(ringing, 200n * second);
  t.deepEqual(late.map(brief).toSorted(), ['INVITE CLIENT timeout', 'SIP dialog CLIENT']);
  t.deepEqual(gapsOf(ledger), []);
});

test('an answer that comes on another flow is one all the same', async (t) => {
  const options = { method: 'OPTIONS' };
  const { spans } = await readPackets(
    sipFlow(
      ['out', sipRequest(options)],
      ['in', sipResponse(200, options), { peerPort: 6060, peer: 9 }],
    ),
  );
  t.deepEqual(spans.map(brief), ['OPTIONS CLIENT 200']);
});

test('compact forms, folded lines and odd cases are read', async (t) => {
  const lines = [
    'i:c-9',
    'f : sip:a@b.c;tag=1',
    't:',
    '\t<SIP:+49 (30) 123456@B.C>',
    'CSEQ:\t7',
    ' OPTIONS',
    'v: SIP / 2.0 / UDP  [2001:db8::1]:5060 ;branch=z9hG4bK7, SIP/2.0/TCP x',
    'l:0',
  ];
  const { spans } = await readPackets(
    sipFlow(
      [
        'in',
        sipMessage([
          'OPTIONS tel:+4930123456;phone-context=x sip/2.0'.replace('sip/', 'SIP/'),
          ...lines,
        ]),
      ],
      [
        'out',
        sipMessage(['SIP/2.0 200 ', ...lines.slice(0, -1), 'V: SIP/2.0/UDP z;branch=q', 'L:0']),
      ],
    ),
  );
  t.deepEqual(spans.map(brief), ['OPTIONS SERVER 200']);
  t.like(spans[0]?.attributes, {
    'sip.call_id': 'c-9',
    'sip.from.uri': 'sip:a@b.c',
    'sip.to.uri': 'sip:REDACTED@B.C',
    'sip.request.uri': 'tel:REDACTED',
    'sip.cseq': 7,
  });
});

test("the caller's own trace is kept", async (t) => {
  const id = '0af7651916cd43dd8448eb211c80319c';
  const extra = [`traceparent: 00-${id}-b7ad6b7169203331-01`];
  const { spans } = await readPackets(
    sipFlow(
      ['in', sipRequest({ method: 'OPTIONS', extra })],
      ['out', sipResponse(200, { method: 'OPTIONS' })],
    ),
  );
  t.like(spans[0], { traceId: id, parentSpanId: 'b7ad6b7169203331' });
});

test('what was asked before the capture is lost by name, once', async (t) => {
  const call = callOf('c-1');
  const ok = await readPackets([...call.slice(3, 4), ...call.slice(3, 4)]);
  t.like(ok.ledger.requests, { seen: 1, lost: { before_attach: 1 } });
  const { spans, ledger } = await readPackets(call.slice(5));
  t.deepEqual(spans.map(brief), ['BYE CLIENT 200']);
  t.like(ledger.requests, { seen: 2, lost: { before_attach: 1 } });
  t.deepEqual(gapsOf(ledger), []);
});

test('a call that lasts is open, and when the pod goes lost by name', async (t) => {
  const { ledger } = await readPackets(callOf('c-1').slice(0, 5), 3_600n * second);
  t.like(ledger.requests, { seen: 2, spans: 1, open: 1 });
});

test('empty datagrams that keep a way open are read as such', async (t) => {
  const options = { method: 'OPTIONS' };
  const { ledger } = await readPackets(
    sipFlow(
      ['out', sipRequest(options)],
      ['in', sipResponse(200, options)],
      ['out', Buffer.from('\r\n\r\n')],
      ['in', Buffer.alloc(4)],
    ),
  );
  t.deepEqual(ledger.bytes.skipped, {});
  t.deepEqual(gapsOf(ledger), []);
});
