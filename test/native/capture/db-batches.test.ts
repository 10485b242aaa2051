import test from 'ava';

import { createReplay } from '../../../native/capture/capture.ts';
import { play, pod, segmentsOfTurns, type Turn } from './conversation.ts';
import { brief, client, server } from './db.ts';
import { login, ok as done, packet, packets } from './mysql.ts';
import { decodeSpans } from './otlp.ts';
import {
  bind,
  complete,
  describe,
  error as failed,
  execute,
  message,
  parse,
  query,
  ready,
  start,
  sync,
} from './postgresql.ts';
import { command } from './redis.ts';

/** How many spans a connection gives and what of it is lost or skipped, and its last two spans: it takes long to decode all of them. */
async function readBatch(turns: readonly Turn[]): Promise<readonly unknown[]> {
  let last: Buffer = Buffer.alloc(0);
  const replay = createReplay({
    boot: '00112233445566ff',
    onBatch: ({ otlp }) => {
      last = otlp;
    },
  });
  replay.attach(7, pod);
  play(replay, segmentsOfTurns(turns, { clientIsn: 5, serverIsn: 9, cuts: [16_000] }));
  await replay.flush();
  const { requests, bytes } = replay.ledger();
  await replay.close();
  const lines = decodeSpans(last).slice(-2).map(brief);
  return [requests.spans, requests.lost, bytes.skipped, lines];
}

/** An Execute of a prepared statement, as drivers put them into a batch, and what is said to it. */
const executed = bind('s1') + describe() + execute();
const inserted = message('2') + message('n') + complete('INSERT 0 1');
const insert = 'shop | INSERT items | ok |  | INSERT INTO items VALUES ($1)';
const prepare = [
  client(parse('s1', 'INSERT INTO items VALUES ($1)'), sync),
  server(message('1'), ready),
];

test('a pipeline of ten thousand commands of Redis is a span for each, and the connection is read on', async (t) => {
  const set = command('SET', 'k', 'v');
  t.deepEqual(
    await readBatch([
      client(set.repeat(10_000)),
      server('+OK\r\n'.repeat(10_000)),
      client(command('GET', 'k')),
      server('-WRONGTYPE no\r\n'),
    ]),
    [10_001, {}, {}, ['0 | SET | ok |  | SET ? ?', '0 | GET | WRONGTYPE |  | GET ?']],
  );
});

test('of more commands of Redis than are followed each one too many is counted, and what they change is minded', async (t) => {
  t.deepEqual(
    await readBatch([
      client(
        command('SET', 'k', 'v').repeat(20_000),
        command('SELECT', '3'),
        command('GET', 'k').repeat(2),
      ),
      server('+OK\r\n'.repeat(20_001), '$1\r\nv\r\n'.repeat(2)),
      client(command('GET', 'k')),
      server('-WRONGTYPE no\r\n'),
    ]),
    [
      16_385,
      { too_many_open: 3_619 },
      {},
      ['0 | SET | ok |  | SET ? ?', '3 | GET | WRONGTYPE |  | GET ?'],
    ],
  );
});

test('a batch of two thousand executions of PostgreSQL is a span for each', async (t) => {
  t.deepEqual(
    await readBatch([
      ...start,
      ...prepare,
      client(executed.repeat(2_000), sync),
      server(inserted.repeat(2_000), ready),
      client(query('SELECT 1')),
      server(complete('SELECT 1'), ready),
    ]),
    [2_001, {}, {}, [insert, 'shop | SELECT | ok |  | SELECT ?']],
  );
});

test('of more messages of PostgreSQL than are followed requests are counted up to the next Sync, and no answer is taken for another’s', async (t) => {
  t.deepEqual(
    await readBatch([
      ...start,
      ...prepare,
      client(executed.repeat(12_000), sync, query('SELECT 1').repeat(2), executed, sync, sync),
      // The answers to what is not followed hold an error, and what is aborted by it.
      server(inserted.repeat(11_500), message('2'), failed('23505'), ready),
      server((complete('SELECT 1') + ready).repeat(2), inserted, ready, ready),
      client(query('SELECT a FROM b')),
      server(failed('42P01'), ready),
      client(executed, sync),
      server(inserted, ready),
    ]),
    // 32,768 messages are three of each execution, and the last two of one that is not whole.
    [
      10_922 + 2,
      { too_many_open: 12_000 - 10_922 + 2 + 1 },
      {},
      ['shop | SELECT b | 42P01 |  | SELECT a FROM b', insert],
    ],
  );
});

test('of more commands of MySQL than are followed each one too many is counted', async (t) => {
  const ping = packet(0, '\x0e');
  t.deepEqual(
    await readBatch([
      ...login(),
      client(ping.repeat(16_400)),
      server(packet(1, done()).repeat(16_400)),
      client(ping),
      server(packets(1, '\xff\x08\x04#08S01no')),
    ]),
    [16_385, { too_many_open: 16 }, {}, ['shop | PING | ok |  | ', 'shop | PING | 1032 |  | ']],
  );
});
