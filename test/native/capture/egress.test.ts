import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

import test from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import type { Destination } from '../../../knative/resources/egress.ts';
import {
  client,
  gapsOf,
  headOf,
  play,
  pod,
  segmentsOfTurns,
  server,
  startReplay,
  wire,
} from './conversation.ts';
import { answerOf, flow, queryOf, types, www } from './dns.ts';
import { decodeSpans, type DecodedSpan } from './otlp.ts';
import { startTestbed } from './testbed.ts';

const http = [
  client(headOf('GET /p HTTP/1.1', 'Host: cart')),
  server(headOf('HTTP/1.1 200 OK', 'Content-Length: 0')),
];
const bytes = http.reduce((sum, turn) => sum + turn.bytes.length, 0);

/** The peer of the frames here. */
const peer = { address: '198.18.0.1', prefixLength: 32 };
const dials = segmentsOfTurns(http, { ...wire, podServes: false });

test('of connections that a pod opens those are read whose server is named, by address or network, and port', async (t) => {
  const cases: [egress: Destination[] | undefined, read: boolean][] = [
    [undefined, true],
    [[{ ...peer, port: 8080 }], true],
    [[{ address: '198.18.0.0', prefixLength: 15, port: 8080 }], true],
    [[{ address: '198.19.255.255', prefixLength: 15, port: 8080 }], true],
    [[{ address: '0.0.0.0', prefixLength: 0, port: 8080 }], true],
    [[{ address: '::', prefixLength: 0, port: 8080 }], true],
    [
      [
        { address: '2001:db8::1', prefixLength: 128, port: 8080 },
        { ...peer, port: 8080 },
      ],
      true,
    ],
    [[{ ...peer, port: 8081 }], false],
    [[{ address: '198.18.0.2', prefixLength: 32, port: 8080 }], false],
    [[{ address: '198.20.0.0', prefixLength: 15, port: 8080 }], false],
    [[{ address: '2001:db8::', prefixLength: 32, port: 8080 }], false],
    [[], false],
  ];
  for (const [egress, read] of cases) {
    const { replay, spans } = startReplay();
    replay.attach(7, pod, egress === undefined ? {} : { egress });
    play(replay, dials);
    await replay.flush();
    const ledger = replay.ledger();
    const told = JSON.stringify(egress);
    t.is(spans.length, read ? 1 : 0, told);
    t.is(ledger.requests.seen, read ? 1 : 0, told);
    t.deepEqual(ledger.bytes.skipped, read ? {} : { not_selected: bytes }, told);
    t.deepEqual(gapsOf(ledger), []);
    await replay.close();
  }
});

test('what a pod serves is read wherever its own connections may go', async (t) => {
  const { replay, spans } = startReplay();
  replay.attach(7, pod, { egress: [] });
  play(replay, segmentsOfTurns(http, wire));
  await replay.flush();
  t.deepEqual(
    spans.map(({ kind }) => kind),
    [2],
  );
  await replay.close();
});

test('queries over UDP go where they may go', async (t) => {
  for (const [port, read] of [
    [53, 1],
    [5353, 0],
  ] as const) {
    const { replay, spans } = startReplay();
    replay.attach(7, pod, { egress: [{ ...peer, port }] });
    play(replay, flow(['up', queryOf(7, www, types.A)], ['down', answerOf(7, www, types.A)]));
    await replay.flush();
    t.is(spans.length, read);
    t.deepEqual(gapsOf(replay.ledger()), []);
    await replay.close();
  }
});

test('where connections may go is changed while they last', async (t) => {
  const { replay, spans } = startReplay();
  const segments = segmentsOfTurns([...http, ...http, ...http], { ...wire, podServes: false });
  play(replay, segments.slice(0, 4));
  replay.attach(7, pod, { egress: [] });
  play(replay, segments.slice(4, 6));
  replay.attach(7, pod, { egress: [{ ...peer, port: 8080 }] });
  play(replay, segments.slice(6));
  await replay.flush();
  t.is(spans.length, 2);
  const ledger = replay.ledger();
  t.deepEqual(ledger.bytes.skipped, { not_selected: bytes });
  t.deepEqual(gapsOf(ledger), []);
  await replay.close();
});

const listen = async (host: string): Promise<Server> => {
  const listening = createServer((_request, response) => response.end('ok')).listen(0, host);
  await once(listening, 'listening');
  return listening;
};

const portOf = (listening: Server): number => {
  const at = listening.address();
  if (at === null || typeof at === 'string') throw new TypeError('no port');
  return at.port;
};

test('on the wire, too: of two servers one is named', async (t) => {
  using bed = await startTestbed();
  const [a, b, c, own] = bed.address.split('.').map(Number);
  const host = `${a}.${b}.${c}.${Number(own) - 1}`;
  const servers = [await listen(host), await listen(host)];
  t.teardown(() => servers.forEach((one) => one.close()));
  const [named, other] = servers.map(portOf);
  const spans: DecodedSpan[] = [];
  const capture = createCapture({
    boot: '8899aabbccddeeff',
    onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
  });
  t.teardown(() => capture.close());
  capture.attach(bed.ifindex, pod, {
    egress: [{ address: host, prefixLength: 32, port: named ?? 0 }],
  });
  await bed.run(`
    for (let times = 0; times < 5; times += 1)
      for (const port of [${named}, ${other}]) await (await fetch('http://${host}:' + port)).text();
    console.log('done');
  `);
  await capture.flush();
  t.deepEqual(
    spans.map(({ kind, attributes }) => [kind, attributes['server.port']]),
    Array.from({ length: 5 }, () => [3, named]),
  );
  const ledger = capture.ledger();
  t.true((ledger.bytes.skipped['not_selected'] ?? 0) > 0);
  t.deepEqual(gapsOf(ledger), []);
});
