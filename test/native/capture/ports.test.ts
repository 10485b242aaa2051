import test from 'ava';

import {
  client,
  gapsOf,
  play,
  segmentsOfTurns,
  server,
  startNs,
  startReplay,
} from './conversation.ts';
import { flow, queryOf, types, www } from './dns.ts';

const get = Buffer.from('GET /items HTTP/1.1\r\nHost: a\r\n\r\n');
const ok = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');

test('what is open on a port that no Tap names any more is lost by name at once, and no watermark waits for it', async (t) => {
  const { replay, spans } = startReplay();
  const segments = segmentsOfTurns([client(get), server(ok)], {
    clientIsn: 1,
    serverIsn: 2,
    cuts: [500],
  });
  play(replay, segments.slice(0, 3));
  play(replay, flow(['up', queryOf(1, www, types.A)]));
  t.is(replay.ledger().requests.open, 2);
  replay.setPorts([53]);
  t.like(replay.ledger().requests, { open: 1, lost: { detached: 1 } });
  t.is(replay.ledger().connections.open, 0);
  replay.setPorts([443]);
  t.like(replay.ledger().requests, { open: 0, lost: { detached: 2 } });
  const now = startNs + 1_000_000_000n;
  replay.advance(now);
  t.is(replay.evidence(0).watermarkMs, Number(now / 1_000_000n));
  // Named again, it is met as it is.
  replay.setPorts([8_080]);
  play(
    replay,
    segmentsOfTurns([client(get), server(ok)], {
      clientIsn: 9,
      serverIsn: 9,
      cuts: [500],
      timeNs: now,
    }),
  );
  await replay.flush();
  t.is(spans.length, 1);
  t.deepEqual(gapsOf(replay.ledger()), []);
  await replay.close();
});
