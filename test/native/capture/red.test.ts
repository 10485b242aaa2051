import test from 'ava';
import fc from 'fast-check';

import type { RequestMetrics, ServiceSide } from '../../../native/capture/types.ts';
import {
  type Exchange,
  exchange,
  gapsOf,
  play,
  pod,
  segmentsOf,
  segmentsOfTurns,
  startNs,
  startReplay,
} from './conversation.ts';
import { client, server } from './db.ts';
import { command } from './redis.ts';

const plain = (method: string, status: number, request = ''): Exchange => ({
  request: Buffer.from(`${method} /a HTTP/1.1\r\nHost: cart\r\n${request}\r\n`),
  response: Buffer.from(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`),
  method,
  path: '/a',
  status,
  requestBytes: 0,
  responseBytes: 0,
});

const wire = { clientIsn: 1, serverIsn: 1, cuts: [100_000] };
const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
const done = ({ series }: ServiceSide): number => sum(series.flatMap(({ buckets }) => buckets));
const sides = ({ sides: all }: RequestMetrics): readonly ServiceSide[] => all;

test('requests count by their conventional attributes, with their durations', (t) => {
  const { replay } = startReplay();
  const calls = [plain('GET', 200), plain('GET', 200), plain('BREW', 418), plain('GET', 503)];
  play(
    replay,
    segmentsOf(
      calls.map((one) => [one]),
      { ...wire, stepNs: 30_000_000n },
    ),
  );
  const { boundsSeconds, sides: all } = replay.metrics();
  t.deepEqual(
    boundsSeconds['http.server.request.duration']?.slice(0, 4),
    [0.005, 0.01, 0.025, 0.05],
  );
  t.is(all.length, 1);
  const [side] = all;
  t.like(side, { namespace: 'shop', service: 'cart', version: 'v2', server: true });
  t.like(side, { started: 4, open: 0, lost: {} });
  const found = side?.series
    .map(({ metric, attributes, buckets, sumSeconds }) => ({
      metric,
      attributes,
      at30ms: buckets[3],
      sum: Number(sumSeconds.toFixed(6)),
    }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const http = { metric: 'http.server.request.duration' };
  t.deepEqual(found, [
    {
      ...http,
      attributes: {
        'http.request.method': 'GET',
        'url.scheme': 'http',
        'http.response.status_code': '200',
      },
      at30ms: 2,
      sum: 0.06,
    },
    {
      ...http,
      attributes: {
        'http.request.method': 'GET',
        'url.scheme': 'http',
        'http.response.status_code': '503',
        'error.type': '503',
      },
      at30ms: 1,
      sum: 0.03,
    },
    {
      ...http,
      attributes: {
        'http.request.method': '_OTHER',
        'url.scheme': 'http',
        'http.response.status_code': '418',
      },
      at30ms: 1,
      sum: 0.03,
    },
  ]);
});

test('what a pod sends is the other side', (t) => {
  const { replay } = startReplay();
  play(replay, segmentsOf([[plain('GET', 404)]], { ...wire, podServes: false }));
  const [side] = sides(replay.metrics());
  t.like(side, { server: false, started: 1 });
  t.is(side?.series[0]?.metric, 'http.client.request.duration');
  t.is(side?.series[0]?.attributes['error.type'], '404');
});

test('a request counts from its start, and stays open or lost by cause', (t) => {
  const { replay } = startReplay();
  const segments = segmentsOf([[plain('GET', 200)], [plain('GET', 200)]], wire);
  play(replay, segments.slice(0, 5));
  t.like(sides(replay.metrics())[0], { started: 2, open: 1, lost: {} });
  replay.detach(7);
  t.like(sides(replay.metrics())[0], { started: 2, open: 0, lost: { detached: 1 } });
  t.is(done(sides(replay.metrics())[0] ?? t.fail()), 1);
});

test('at any sampling rate every request counts, and the ledger closes', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(exchange, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.boolean(),
      async (groups, ratio, parent) => {
        const { replay, spans } = startReplay();
        replay.attach(7, pod, { ratio, parent });
        play(replay, segmentsOf(groups, { ...wire, cuts: [7, 100, 1400] }));
        await replay.flush();
        const ledger = replay.ledger();
        t.deepEqual(gapsOf(ledger), []);
        t.is(ledger.requests.spans, spans.length);
        const [side] = sides(replay.metrics());
        t.is(side === undefined ? 0 : done(side), groups.flat().length);
        t.is(ledger.requests.sampledOut + spans.length, groups.flat().length);
        await replay.close();
      },
    ),
    { numRuns: 100 },
  );
});

test('series have a bound: what is beyond it counts as overflow', (t) => {
  const { replay } = startReplay();
  const all = 2_500;
  for (let index = 0; index < all; index += 1) {
    replay.attach(7, { ...pod, version: `v${Math.floor(index / 200)}` });
    const peerPort = 10_000 + index;
    const timeNs = startNs + BigInt(index) * 1_000_000n;
    play(replay, segmentsOf([[plain('GET', 200 + (index % 200))]], { ...wire, peerPort, timeNs }));
  }
  const found = sides(replay.metrics());
  const series = found.flatMap((side) => side.series);
  t.true(series.length <= 2_000 + 5);
  for (const side of found) t.is(side.started, done(side) + side.open);
  // Versions that no pod runs any more made room.
  const versions = new Set(found.map(({ version }) => version));
  t.false(versions.has('v0'));
  t.true(versions.has('v12'));
});

test('one service does not take the room of all', (t) => {
  const { replay } = startReplay();
  const calls = Array.from({ length: 300 }, (_, index) => [plain('GET', 200 + index)]);
  play(replay, segmentsOf(calls, wire));
  const [side = t.fail()] = sides(replay.metrics());
  const [overflow, ...none] = side.series.filter(
    ({ attributes }) => attributes['otel.metric.overflow'] === 'true',
  );
  t.is(side.series.length, 201);
  t.deepEqual(none, []);
  t.is(sum(overflow?.buckets ?? []), 100);
});

test('commands of Redis count by names of which there are few', (t) => {
  const { replay } = startReplay();
  const names = ['get', 'GET', 'Get', 'monitored', 'XYZ', 'config'];
  const turns = names.flatMap((name) => [
    client(name === 'config' ? command(name, 'get', 'a') : command(name, 'k')),
    server('+OK\r\n'),
  ]);
  play(replay, segmentsOfTurns(turns, wire));
  const counts = (sides(replay.metrics())[0]?.series ?? []).map(({ attributes, buckets }) => [
    attributes['db.operation.name'],
    sum(buckets),
  ]);
  t.deepEqual(Object.fromEntries(counts), { GET: 3, _OTHER: 2, 'CONFIG GET': 1 });
});

const call = (randomness: string, flags: string): Exchange =>
  plain(
    'GET',
    200,
    `traceparent: 00-ffffffffffffffffff${randomness}-00000000000000aa-${flags}\r\n`,
  );

test('a trace is kept by the last 56 bits of its id, as every sampler does', async (t) => {
  // The rejection threshold of 1/4 is c0 00…: those at it or above stay.
  const calls = [
    call('c0000000000000', '00'),
    call('bfffffffffffff', '01'),
    call('ffffffffffffff', '00'),
    call('00000000000000', '01'),
  ];
  const kept = async (sampling: { ratio: number; parent?: boolean }): Promise<string[]> => {
    const { replay, spans } = startReplay();
    replay.attach(7, pod, sampling);
    play(
      replay,
      segmentsOf(
        calls.map((one) => [one]),
        wire,
      ),
    );
    await replay.flush();
    const { requests } = replay.ledger();
    t.is(requests.seen, requests.spans + requests.sampledOut);
    await replay.close();
    return spans.map(({ traceId }) => traceId.slice(18));
  };
  t.deepEqual(await kept({ ratio: 0.25 }), ['c0000000000000', 'ffffffffffffff']);
  t.deepEqual(await kept({ ratio: 0.25, parent: true }), ['bfffffffffffff', '00000000000000']);
  t.is((await kept({ ratio: 1 })).length, 4);
  t.is((await kept({ ratio: 0 })).length, 0);
});

/** A trace's id with these 56 bits. */
const id = (randomness: string): string => `ffffffffffffffffff${randomness}`;

test('a caller that leaves sampling to others has not decided', async (t) => {
  const [keep, drop] = ['c0000000000000', 'bfffffffffffff'];
  const parent = '00000000000000aa';
  const apart = (randomness: string, more = ''): string =>
    `x-b3-traceid: ${id(randomness)}\r\nx-b3-spanid: ${parent}\r\n${more}`;
  const calls = [
    `b3: ${id(keep)}-${parent}\r\n`,
    `b3: ${id(drop)}-${parent}\r\n`,
    `b3: ${id(keep)}-${parent}-0\r\n`,
    `b3: ${id(drop)}-${parent}-1\r\n`,
    apart(keep),
    apart(drop),
    apart(keep, 'x-b3-sampled: 0\r\n'),
    apart(drop, 'x-b3-sampled: 1\r\n'),
    apart(drop, 'x-b3-flags: 1\r\n'),
  ];
  const { replay, spans } = startReplay();
  replay.attach(7, pod, { ratio: 0.25, parent: true });
  play(
    replay,
    segmentsOf(
      calls.map((one) => [plain('GET', 200, one)]),
      wire,
    ),
  );
  await replay.flush();
  await replay.close();
  t.deepEqual(
    spans.map(({ traceId }) => traceId.slice(18)),
    [keep, drop, keep, drop, drop],
  );
});
