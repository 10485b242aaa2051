import test from 'ava';
import fc from 'fast-check';

import {
  gapsOf,
  inAnyOrder,
  play,
  readPackets,
  segmentsOfTurns,
  startNs,
  startReplay,
  type Turn,
} from './conversation.ts';
import { second } from './dns.ts';
import type { TcpSegment } from './frames.ts';
import { callOf, sipFlow, sipRequest, sipResponse } from './sip.ts';

const stream = (turns: readonly Turn[], cuts: readonly number[] = [10_000]): TcpSegment[] =>
  segmentsOfTurns(turns, { clientIsn: 0xffff_ff00, serverIsn: 9, cuts });
const turnsOf = (callId: string): Turn[] =>
  callOf(callId).map(({ toPod, payload }) => ({
    from: toPod ? 'client' : 'server',
    bytes: payload,
  }));

test('several messages in a segment, split anywhere, with empty lines between them, are all read', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 9 }),
      fc.array(fc.nat({ max: 2 }), { minLength: 7, maxLength: 7 }),
      async (cuts, pings) => {
        const [first = [], other = []] = ['c-1', 'c-2'].map(turnsOf);
        // Both calls step by step: the messages of one step share a write.
        const turns = first.map(({ from, bytes }, at) => ({
          from,
          bytes: Buffer.concat([
            bytes,
            Buffer.from('\r\n\r\n'.repeat(pings[at] ?? 0)),
            other[at]?.bytes ?? bytes,
          ]),
        }));
        const { spans, ledger } = await readPackets(stream(turns, cuts));
        t.deepEqual(
          spans
            .map(
              ({ name, attributes: a }) =>
                `${name} ${a['sip.call_id']} ${a['sip.response.status_code']}`,
            )
            .toSorted(),
          ['c-1', 'c-2']
            .flatMap((id) => [`BYE ${id} 200`, `INVITE ${id} 200`, `SIP dialog ${id} 200`])
            .toSorted(),
        );
        t.true(spans.every(({ attributes }) => attributes['network.transport'] === 'tcp'));
        t.deepEqual(ledger.bytes.skipped, {});
        t.deepEqual(gapsOf(ledger), []);
      },
    ),
    { numRuns: 200 },
  );
});

test('segments in any order, twice or once, give the spans of the call', async (t) => {
  const segments = stream(turnsOf('c-1'), [300]);
  const inner = segments.slice(2, -2);
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(inner, { minLength: inner.length }),
      fc.subarray(inner),
      async (order, copies) => {
        const played = [...segments.slice(0, 2), ...order, ...copies, ...segments.slice(-2)];
        const { spans, ledger } = await readPackets(played);
        t.deepEqual(
          spans.map(({ name }) => name),
          ['INVITE', 'BYE', 'SIP dialog'],
        );
        t.deepEqual(gapsOf(ledger), []);
      },
    ),
    { numRuns: 200 },
  );
});

test('what a hole took is lost by name or waits, and the next messages are read', async (t) => {
  const turns = Array.from({ length: 6 }, (_, at): Turn[] => {
    const parts = { method: 'OPTIONS', callId: `o-${at}` };
    return [
      { from: 'client', bytes: sipRequest(parts) },
      { from: 'server', bytes: sipResponse(200, parts) },
    ];
  }).flat();
  const segments = stream(turns);
  for (const missing of segments.filter(({ payload }) => payload.length > 0)) {
    const { spans, ledger } = await readPackets(
      segments.filter((one) => one !== missing),
      60n * second,
    );
    const answered = spans.filter(
      ({ attributes }) => attributes['sip.response.status_code'] === 200,
    );
    t.is(answered.length, 5);
    t.is(ledger.requests.seen, 6);
    t.deepEqual(gapsOf(ledger), []);
  }
});

test('a hole within a body costs nothing', async (t) => {
  const message = { method: 'MESSAGE', body: 'x'.repeat(5_000) };
  const segments = stream(
    [
      { from: 'client', bytes: sipRequest(message) },
      { from: 'server', bytes: sipResponse(200, { method: 'MESSAGE' }) },
    ],
    [1_000],
  );
  const { spans, ledger } = await readPackets(
    segments.filter((_, at) => at !== 5),
    3n * second,
  );
  t.deepEqual(
    spans.map(({ attributes }) => attributes['sip.response.status_code']),
    [200],
  );
  t.is(ledger.bytes.lost['hole'], 1_000);
});

test('an end of a connection leaves its transactions open: the answer may come on another one', async (t) => {
  const options = { method: 'OPTIONS' };
  const asked = stream([{ from: 'client', bytes: sipRequest(options) }]);
  const answer = segmentsOfTurns([{ from: 'client', bytes: sipResponse(200, options) }], {
    clientIsn: 5,
    serverIsn: 6,
    cuts: [9_000],
    podServes: false,
    timeNs: startNs + second,
  });
  const { spans } = await readPackets([...asked, ...answer]);
  t.deepEqual(
    spans.map(({ attributes }) => attributes['sip.response.status_code']),
    [200],
  );
});

test('datagrams in any order and number keep transactions and ledger right', async (t) => {
  const packets = ['c-1', 'c-2'].flatMap(callOf);
  await fc.assert(
    fc.asyncProperty(inAnyOrder(packets), async (played) => {
      const { spans, ledger } = await readPackets(played, 300n * second);
      for (const name of ['INVITE', 'BYE', 'SIP dialog'])
        for (const id of ['c-1', 'c-2']) {
          const found = spans.filter(
            (span) => span.name === name && span.attributes['sip.call_id'] === id,
          );
          t.true(found.length <= 1, `${name} ${id}`);
        }
      t.deepEqual(gapsOf(ledger), []);
    }),
    { numRuns: 300 },
  );
});

test('any change to a message leaves the ledger closed', async (t) => {
  const packets = callOf('c-1');
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          which: fc.nat({ max: 6 }),
          at: fc.nat({ max: 400 }),
          bytes: fc.uint8Array({ maxLength: 4 }),
          cut: fc.nat({ max: 500 }),
        }),
        { maxLength: 20 },
      ),
      fc.boolean(),
      async (changes, tcp) => {
        const mutants = changes.flatMap(({ which, at, bytes, cut }) => {
          const packet = packets[which];
          if (packet === undefined) return [];
          const payload = Buffer.from(packet.payload);
          payload.set(
            bytes.slice(0, Math.max(0, payload.length - at)),
            Math.min(at, payload.length),
          );
          return [
            {
              ...packet,
              payload: payload.subarray(
                0,
                Math.max(1, payload.length - (cut > 400 ? cut - 400 : 0)),
              ),
            },
          ];
        });
        const all = [...packets.slice(0, 2), ...mutants];
        const { ledger } = await readPackets(
          tcp
            ? stream(
                all.map(({ toPod, payload }) => ({
                  from: toPod ? 'client' : 'server',
                  bytes: payload,
                })),
              )
            : all,
          300n * second,
        );
        t.deepEqual(gapsOf(ledger), []);
      },
    ),
    { numRuns: 500 },
  );
});

test('calls without end are bounded, and those that go are lost by name', async (t) => {
  const { replay } = startReplay();
  for (let at = 0; at < 20_000; at += 1)
    play(
      replay,
      sipFlow([
        'in',
        sipRequest({ method: 'INVITE', callId: `c-${at}` }),
        { peerPort: 1_024 + (at % 60_000) },
      ]),
    );
  const { requests } = replay.ledger();
  t.is(requests.seen, 20_000);
  t.is(requests.open, 16_384);
  t.is(requests.lost['too_many_open'], 20_000 - 16_384);
  t.deepEqual(gapsOf(replay.ledger()), []);
  for (let at = 0; at < 200; at += 1)
    play(
      replay,
      sipFlow(['in', sipRequest({ method: 'INFO', callId: 'same', branch: `z9hG4bK${at}` })]),
    );
  t.is(replay.ledger().requests.open, 16_384 - 1 + 1, 'of one call, too');
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('HTTP is not taken for SIP, whatever its first line and however it is cut', async (t) => {
  for (const line of [
    'GET /sip:x HTTP/1.1',
    'OPTIONS * HTTP/1.1',
    `GET /${'x'.repeat(9_000)} HTTP/1.1`,
  ])
    for (const cut of [1, 7, 3_000]) {
      const { spans } = await readPackets(
        stream(
          [
            { from: 'client', bytes: Buffer.from(`${line}\r\nHost: a\r\n\r\n`) },
            { from: 'server', bytes: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n') },
          ],
          [cut],
        ),
      );
      t.is(spans.length, 1, line.slice(0, 20));
      t.is(spans[0]?.attributes['http.response.status_code'], 200);
    }
});
