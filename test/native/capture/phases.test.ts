import test from 'ava';

import {
  client,
  gapsOf,
  headOf,
  play,
  segmentsOfTurns,
  server,
  startNs,
  startReplay,
  wire,
  type Turn,
} from './conversation.ts';
import { answerOf, flow, queryOf, types, www } from './dns.ts';
import type { TcpSegment, UdpDatagram } from './frames.ts';
import type { DecodedSpan } from './otlp.ts';

const http: readonly Turn[] = [
  client(headOf('GET /p HTTP/1.1', 'Host: cart')),
  server(headOf('HTTP/1.1 200 OK', 'Content-Length: 0')),
];

/** Events with their time, in microseconds since the first packet. */
const eventsOf = (span: DecodedSpan | undefined): (readonly [string, number])[] =>
  (span?.events ?? []).map(({ name, timeNs }) => [name, Number(timeNs - startNs) / 1_000]);

/** The pod asks for a name, and is told this address a millisecond later. */
const lookup = (...address: number[]) =>
  flow(
    ['up', queryOf(7, www, types.A)],
    ['down', answerOf(7, www, types.A, [{ type: types.A, data: Buffer.from(address) }])],
  );
/** The peer of the frames here. */
const peer = [198, 18, 0, 1];

const namesOf = (span: DecodedSpan) => span.events.map(({ name }) => name);

/** A connection that the pod opens so many milliseconds later. */
const dialled = (ms: number, peerPort = 40_000) =>
  segmentsOfTurns(http, {
    ...wire,
    podServes: false,
    peerPort,
    timeNs: startNs + BigInt(ms) * 1_000_000n,
  });

test('the first request of a connection tells how it came about, and later ones do not', async (t) => {
  const { replay, spans } = startReplay();
  play(replay, segmentsOfTurns([...http, ...http], wire));
  await replay.flush();
  t.deepEqual(spans.map(eventsOf), [
    [
      ['connect.start', 0],
      ['connect.end', 10],
      ['first_byte', 30],
    ],
    [],
  ]);
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});

test('a connection tells the lookup that it waited for: of its address, before it, and of nobody else', async (t) => {
  const dns = ['dns.start', 'dns.end'];
  const connect = ['connect.start', 'connect.end', 'first_byte'];
  const cases: [(TcpSegment | UdpDatagram)[], string[][]][] = [
    [[...lookup(...peer), ...dialled(2)], [[...dns, ...connect]]],
    [
      [...lookup(...peer), ...dialled(2), ...dialled(4, 40_001)],
      [[...dns, ...connect], connect],
    ],
    [[...lookup(192, 0, 2, 7), ...dialled(2)], [connect]],
    [[...lookup(...peer), ...dialled(1_000)], [[...dns, ...connect]]],
    [[...lookup(...peer), ...dialled(1_002)], [connect]],
    [[...lookup(...peer), ...dialled(0)], [connect]],
    [
      [...lookup(...peer), ...segmentsOfTurns(http, { ...wire, timeNs: startNs + 2_000_000n })],
      [connect],
    ],
  ];
  for (const [packets, expected] of cases) {
    const { replay, spans } = startReplay();
    play(replay, packets);
    await replay.flush();
    const requests = spans.filter(({ name }) => name === 'GET');
    t.deepEqual(requests.map(namesOf), expected);
    await replay.close();
  }
});

test('its times are those at which it passed by the pod', async (t) => {
  const { replay, spans } = startReplay();
  play(replay, [...lookup(...peer), ...dialled(2)]);
  await replay.flush();
  t.deepEqual(eventsOf(spans.find(({ name }) => name === 'GET')), [
    ['dns.start', 0],
    ['dns.end', 1_000],
    ['connect.start', 2_000],
    ['connect.end', 2_010],
    ['first_byte', 2_030],
  ]);
  t.deepEqual(eventsOf(spans.find(({ name }) => name.startsWith('DNS'))), []);
  await replay.close();
});

test('of a SYN that is sent again the first one counts', async (t) => {
  const { replay, spans } = startReplay();
  const [syn, ...others] = segmentsOfTurns(http, { ...wire, timeNs: startNs + 1_000_000_000n });
  if (syn === undefined) throw new TypeError('no segment');
  play(replay, [{ ...syn, timeNs: startNs }, syn, ...others]);
  await replay.flush();
  t.deepEqual(eventsOf(spans[0])[0], ['connect.start', 0]);
  await replay.close();
});

test('of a connection that was there before nothing is told', async (t) => {
  const { replay, spans } = startReplay();
  play(replay, segmentsOfTurns(http, wire).slice(2));
  await replay.flush();
  t.deepEqual(spans.map(eventsOf), [[]]);
  await replay.close();
});
