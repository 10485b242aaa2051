import http2, { type ClientHttp2Session } from 'node:http2';
import { once } from 'node:events';

import test from 'ava';

import { gapsOf, play, segmentsOfTurns, startReplay } from './conversation.ts';
import { portOf, startRecorder } from './http2-recorder.ts';
import type { DecodedSpan } from './otlp.ts';

/** What a request was, as its client knows it. */
interface Told {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly sent: number;
  readonly got: number;
}

const byPath = (a: Told, b: Told): number => (a.path < b.path ? -1 : Number(a.path > b.path));

async function ask(session: ClientHttp2Session, index: number): Promise<Told> {
  const method = index % 3 === 0 ? 'POST' : 'GET';
  const body = Buffer.alloc(method === 'POST' ? (index * 37) % 40_000 : 0, 'b');
  const path = `/item/${index}?size=${(index * 7919) % 50_000}`;
  const stream = session.request({
    ':method': method,
    ':path': path,
    'user-agent': 'test',
    cookie: `id=${index}`,
    'x-odd': 'value,'.repeat(index % 5),
  });
  if (method === 'POST') stream.end(body);
  let status = 0;
  stream.once('response', (head) => {
    status = head[':status'] ?? 0;
  });
  let got = 0;
  stream.on('data', (part: Buffer) => {
    got += part.length;
  });
  await once(stream, 'close');
  return {
    method,
    path: path.split('?')[0] ?? '',
    status,
    sent: body.length,
    got,
  };
}

const asTold = ({ attributes: a }: DecodedSpan): Told => ({
  method: String(a['http.request.method']),
  path: String(a['url.path']),
  status: Number(a['http.response.status_code']),
  sent: Number(a['http.request.body.size'] ?? 0),
  got: Number(a['http.response.body.size']),
});

for (const count of [1, 10, 100, 1000])
  test(`each of ${count} streams between Node's client and server is a span`, async (t) => {
    const server = http2.createServer({
      maxSessionMemory: 1000,
      settings: { maxConcurrentStreams: 2000 },
    });
    server.on('stream', (stream, head) => {
      stream.resume();
      stream.on('end', () => {
        const size = Number(String(head[':path']).split('=')[1]);
        stream.respond({
          ':status': [200, 201, 404, 503][size % 4] ?? 200,
          'content-type': 'text/plain',
          'x-size': size,
        });
        stream.end(Buffer.alloc(size, 'a'));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await using recorder = await startRecorder(portOf(server));
    const session = http2.connect(`http://127.0.0.1:${recorder.port}`, { maxSessionMemory: 1000 });
    const told = await Promise.all(
      Array.from({ length: count }, async (_, index) => ask(session, index)),
    );
    session.close();
    await once(session, 'close');
    server.close();
    for (const cuts of [[1448], [9, 1, 700], [60_000]]) {
      const { replay, spans } = startReplay();
      play(
        replay,
        segmentsOfTurns(recorder.connections[0] ?? [], {
          clientIsn: 1,
          serverIsn: 2,
          cuts,
          stepNs: 100n,
        }),
      );
      await replay.flush();
      t.deepEqual(spans.map(asTold).toSorted(byPath), told.toSorted(byPath));
      t.deepEqual(gapsOf(replay.ledger()), []);
      t.is(replay.ledger().bytes.parsed, replay.ledger().wire.payloadBytes);
      t.is(replay.ledger().headerFields.unknown, 0);
      await replay.close();
    }
  });
