import test from 'ava';

import { gapsOf, readPackets, startNs } from './conversation.ts';
import { second } from './dns.ts';
import { brief, callOf, eventsOf, sipFlow, sipRequest, sipResponse } from './sip.ts';

const ms = 1_000_000n;

test('a call is a span for INVITE, one for BYE, and one for the dialog', async (t) => {
  const { spans, ledger } = await readPackets(callOf('c-1'));
  t.deepEqual(spans.map(brief), ['INVITE SERVER 200', 'BYE CLIENT 200', 'SIP dialog SERVER 200']);
  const [invite, bye, dialog] = spans;
  t.like(invite, { startNs, endNs: startNs + 30n * ms });
  t.deepEqual(invite?.attributes, {
    'network.protocol.name': 'sip',
    'network.protocol.version': '2.0',
    'network.transport': 'udp',
    'server.address': '198.18.0.2',
    'server.port': 5060,
    'client.address': '198.18.0.1',
    'clover.hop': 'sip.transaction',
    'sip.call_id': 'c-1',
    'sip.from.uri': 'sip:alice@example.com',
    'sip.to.uri': 'sip:bob@example.org',
    'sip.request.method': 'INVITE',
    'sip.request.uri': 'sip:bob@example.org',
    'sip.cseq': 1,
    'sip.response.status_code': 200,
    'clover.sip.post_dial_delay': 20_000_000,
    'clover.sip.time_to_answer': 30_000_000,
    'clover.time_to_first_byte': 10_000_000,
    'network.peer.address': '198.18.0.1',
    'network.peer.port': 5060,
  });
  t.deepEqual(eventsOf(invite), [
    '10 sip.trying 100',
    '20 sip.ringing 180',
    '30 sip.answered 200',
    '40 sip.ack',
  ]);
  t.like(dialog, { startNs, endNs: startNs + 60n * ms });
  t.deepEqual(eventsOf(dialog), [
    '20 sip.ringing 180',
    '30 sip.answered 200',
    '40 sip.ack',
    '50 sip.bye',
  ]);
  t.like(dialog?.attributes, {
    'clover.sip.post_dial_delay': 20_000_000,
    'clover.sip.time_to_answer': 30_000_000,
  });
  t.is(new Set([invite, bye, dialog].map((span) => span?.traceId)).size, 1, 'one call, one trace');
  t.is(invite?.parentSpanId, '');
  t.like(ledger.requests, { seen: 3, spans: 3, open: 0, lost: {} });
  t.deepEqual(ledger.bytes.skipped, {});
  t.deepEqual(gapsOf(ledger), []);
});

test('whatever is sent again is counted and not doubled', async (t) => {
  const once = callOf('c-1');
  const twice = once.flatMap((one) => [one, one]);
  const { spans, ledger } = await readPackets(twice);
  t.deepEqual(spans.map(brief), ['INVITE SERVER 200', 'BYE CLIENT 200', 'SIP dialog SERVER 200']);
  t.like(spans[0]?.attributes, {
    'clover.sip.request_retransmissions': 1,
    'clover.sip.response_retransmissions': 3,
  });
  t.is(spans[0]?.events.length, 4);
  t.is(ledger.requests.seen, 3);
  t.deepEqual(gapsOf(ledger), []);
});

test('a refused INVITE ends with the ACK of its own branch', async (t) => {
  const invite = { method: 'INVITE', branch: 'z9hG4bKx' };
  const { spans } = await readPackets(
    sipFlow(
      ['in', sipRequest(invite)],
      ['out', sipResponse(486, { ...invite, toTag: 'b' })],
      ['out', sipResponse(486, { ...invite, toTag: 'b' })],
      ['in', sipRequest({ ...invite, method: 'ACK', toTag: 'b' })],
    ),
  );
  t.deepEqual(spans.map(brief), ['INVITE SERVER 486']);
  t.is(spans[0]?.attributes['clover.sip.response_retransmissions'], 1);
  t.deepEqual(eventsOf(spans[0]), ['10 sip.rejected 486', '30 sip.ack']);
});

test('an INVITE that is cancelled ends with 487, and what rang with it', async (t) => {
  const invite = { method: 'INVITE', branch: 'z9hG4bKx' };
  const { spans, ledger } = await readPackets(
    sipFlow(
      ['in', sipRequest(invite)],
      ['out', sipResponse(180, { ...invite, toTag: 'b' })],
      ['in', sipRequest({ ...invite, method: 'CANCEL' })],
      ['out', sipResponse(200, { ...invite, method: 'CANCEL', toTag: 'b' })],
      ['out', sipResponse(487, { ...invite, toTag: 'b' })],
      ['in', sipRequest({ ...invite, method: 'ACK', toTag: 'b' })],
    ),
  );
  t.deepEqual(spans.map(brief), [
    'CANCEL SERVER 200',
    'SIP dialog SERVER 487',
    'INVITE SERVER 487',
  ]);
  t.deepEqual(eventsOf(spans[2]), [
    '10 sip.ringing 180',
    '20 sip.cancel',
    '40 sip.rejected 487',
    '50 sip.ack',
  ]);
  t.deepEqual(gapsOf(ledger), []);
});

test('each branch of a fork is a dialog of its own', async (t) => {
  const invite = { method: 'INVITE' };
  const end = { method: 'BYE', toTag: 'b2', cseq: 2 };
  const { spans, ledger } = await readPackets(
    sipFlow(
      ['out', sipRequest(invite)],
      ['in', sipResponse(180, { ...invite, toTag: 'b1' })],
      ['in', sipResponse(183, { ...invite, toTag: 'b2' })],
      ['in', sipResponse(180, { ...invite, toTag: 'b3' })],
      ['in', sipResponse(200, { ...invite, toTag: 'b2' })],
      ['in', sipResponse(200, { ...invite, toTag: 'b3' })],
      ['out', sipRequest({ method: 'ACK', toTag: 'b2' })],
      ['out', sipRequest({ method: 'ACK', branch: 'z9hG4bKother', toTag: 'b3' })],
      ['out', sipRequest(end)],
      ['in', sipResponse(200, end)],
      ['out', sipRequest({ ...end, branch: 'z9hG4bKb3', toTag: 'b3' })],
      ['in', sipResponse(200, { ...end, branch: 'z9hG4bKb3', toTag: 'b3' })],
    ),
    60n * second,
  );
  t.deepEqual(spans.map(brief).toSorted(), [
    'BYE CLIENT 200',
    'BYE CLIENT 200',
    'INVITE CLIENT 200',
    'SIP dialog CLIENT 200',
    'SIP dialog CLIENT 200',
    'SIP dialog CLIENT 200',
  ]);
  const dialogs = spans.filter(({ name }) => name === 'SIP dialog').map(eventsOf);
  t.deepEqual(dialogs, [
    ['20 sip.provisional 183', '40 sip.answered 200', '60 sip.ack', '80 sip.bye'],
    ['30 sip.ringing 180', '50 sip.answered 200', '70 sip.ack', '100 sip.bye'],
    ['10 sip.ringing 180'],
  ]);
  t.deepEqual(gapsOf(ledger), []);
});

test('requests within a dialog are spans of their own and begin no dialog', async (t) => {
  const within = { toTag: 'b1', callId: 'c-1' };
  const call = callOf('c-1');
  const again = { method: 'INVITE', branch: 'z9hG4bKre', cseq: 2, ...within };
  const update = { method: 'UPDATE', cseq: 3, ...within };
  const more = sipFlow(
    ['in', sipRequest(again)],
    ['out', sipResponse(200, again)],
    ['in', sipRequest({ ...again, method: 'ACK', branch: 'z9hG4bKack2' })],
    ['in', sipRequest(update)],
    ['out', sipResponse(200, update)],
  );
  const { spans, ledger } = await readPackets([...call.slice(0, 5), ...more, ...call.slice(5)]);
  t.deepEqual(spans.map(brief), [
    'INVITE SERVER 200',
    'INVITE SERVER 200',
    'UPDATE SERVER 200',
    'BYE CLIENT 200',
    'SIP dialog SERVER 200',
  ]);
  t.deepEqual(gapsOf(ledger), []);
});

test('a proxy has both legs of a call: two transactions, and one dialog', async (t) => {
  const callId = 'p-1';
  const inbound = { method: 'INVITE', callId };
  const outbound = {
    ...inbound,
    branch: 'z9hG4bKproxy',
    sentBy: '198.18.0.2',
    vias: ['Via: SIP/2.0/UDP 198.18.0.1:5060;branch=z9hG4bK-INVITE'],
  };
  const on = { podPort: 5080, peerPort: 5070, peer: 3 };
  const bye = { method: 'BYE', callId, cseq: 2, toTag: 'b' };
  const { spans, ledger } = await readPackets(
    sipFlow(
      ['in', sipRequest(inbound)],
      ['out', sipRequest(outbound), on],
      ['in', sipResponse(180, { ...outbound, toTag: 'b' }), on],
      ['out', sipResponse(180, { ...inbound, toTag: 'b' })],
      ['in', sipResponse(200, { ...outbound, toTag: 'b' }), on],
      ['out', sipResponse(200, { ...inbound, toTag: 'b' })],
      ['in', sipRequest({ method: 'ACK', callId, toTag: 'b' })],
      ['out', sipRequest({ method: 'ACK', callId, toTag: 'b', branch: 'z9hG4bKack' }), on],
      ['in', sipRequest(bye)],
      ['out', sipRequest({ ...bye, branch: 'z9hG4bKpb' }), on],
      ['in', sipResponse(200, { ...bye, branch: 'z9hG4bKpb' }), on],
      ['out', sipResponse(200, bye)],
    ),
  );
  t.deepEqual(spans.map(brief).toSorted(), [
    'BYE CLIENT 200',
    'BYE SERVER 200',
    'INVITE CLIENT 200',
    'INVITE SERVER 200',
    'SIP dialog SERVER 200',
  ]);
  t.is(spans.find(({ name }) => name === 'SIP dialog')?.startNs, startNs, 'from the first leg on');
  t.deepEqual(gapsOf(ledger), []);
});
