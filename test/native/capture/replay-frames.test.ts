import test from 'ava';
import fc from 'fast-check';

import { exchange, gapsOf, play, segmentsOf, startNs, startReplay } from './conversation.ts';
import { flag, frameOf } from './frames.ts';

test('VLAN tags, IP options, IPv6 with an extension header and padding are read', async (t) => {
  const exchanges = fc.sample(exchange, { numRuns: 2, seed: 9 });
  const segments = segmentsOf([exchanges], { clientIsn: 5, serverIsn: 6, cuts: [50] });
  for (const shape of [
    { vlans: [5] },
    { vlans: [5, 6] },
    { ipOptions: 3 },
    { version: 6 as const },
    { padding: 18 },
  ]) {
    const { replay, spans } = startReplay();
    for (const one of segments) replay.frame(7, one.toPod, one.timeNs, frameOf(one, shape));
    await replay.flush();
    t.is(spans.length, exchanges.length, JSON.stringify(shape));
    t.deepEqual(gapsOf(replay.ledger()), []);
    await replay.close();
  }
});

test('of a packet in fragments the others are counted', async (t) => {
  const [segment] = segmentsOf([], { clientIsn: 5, serverIsn: 6, cuts: [50] });
  if (segment === undefined) throw new Error('no segment');
  const { replay } = startReplay();
  replay.frame(7, true, startNs, frameOf(segment, { fragment: 0x2001 }));
  t.deepEqual(replay.ledger().wire.otherPackets, { fragment: 1 });
  await replay.close();
});

test('only traced ports are looked at', async (t) => {
  const exchanges = fc.sample(exchange, { numRuns: 1, seed: 9 });
  const segments = segmentsOf([exchanges], { clientIsn: 5, serverIsn: 6, cuts: [50] });
  const { replay, spans } = startReplay();
  replay.setPorts([81]);
  play(replay, segments);
  t.is(replay.ledger().wire.segments, 0);
  replay.setPorts([8080]);
  play(replay, segments);
  await replay.flush();
  t.is(spans.length, 1);
  await replay.close();
});

test('a connection that ends with an open request gives a failed span', async (t) => {
  const [one] = fc.sample(exchange, { numRuns: 1, seed: 9 });
  if (one === undefined) throw new Error('no exchange');
  const segments = segmentsOf([[one]], { clientIsn: 5, serverIsn: 6, cuts: [100_000] });
  const request = segments.slice(0, 3);
  const last = segments[2];
  if (last === undefined) throw new Error('no request');
  const reset = {
    ...last,
    toPod: false,
    seq: 7,
    ack: 0,
    flags: flag.rst,
    payload: Buffer.alloc(0),
  };
  const { replay, spans } = startReplay();
  play(replay, [...request, reset]);
  await replay.flush();
  t.is(spans[0]?.attributes['error.type'], 'connection_closed');
  t.is(spans[0]?.attributes['http.response.status_code'], undefined);
  t.is(spans[0]?.status, 2);
  await replay.close();
});
