import test from 'ava';

import type { CaptureLedger } from '../../../native/capture/types.ts';
import { segmentsOfTurns, startNs, type Turn } from './conversation.ts';
import { client, readDatabase, server } from './db.ts';
import { heartbeat, hello, produce } from './kafka.ts';
import { inTurn } from './kafka-conversation.ts';
import { column, eof, error, login, ok, packet, packets, query as ask } from './mysql.ts';
import type { DecodedSpan } from './otlp.ts';
import { columns, complete, query, ready, row, start } from './postgresql.ts';
import { command } from './redis.ts';

/** What a span says, and `?` where a hole took how it ended. */
const told = ({ name, attributes: a }: DecodedSpan): string => {
  const end = a['db.response.status_code'] ?? a['error.type'] ?? 'ok';
  return `${name} ${a['clover.incomplete'] === undefined ? end : '?'}`;
};

/** A connection of which the segment with this turn is not seen; the handshake is two. */
const without = async (
  turns: readonly Turn[],
  turn: number,
  cuts: readonly number[] = [60_000],
): Promise<{ spans: DecodedSpan[]; ledger: CaptureLedger }> =>
  readDatabase(turns, cuts, (index) => index !== turn + 2);

const redis = [
  client(command('SET', 'a', '1')),
  server('+OK\r\n'),
  client(command('GET', 'a'), command('SELECT', '2')),
  server('$1\r\n1\r\n+OK\r\n'),
  client(command('GET', 'b')),
  server('-WRONGTYPE no\r\n'),
  client(command('TTL', 'b')),
  server(':1\r\n'),
];
const postgresql = [
  ...start,
  client(query('SELECT a FROM b')),
  server(columns, row('x'), complete('SELECT 1'), ready),
  client(query('DELETE FROM b')),
  server(complete('DELETE 1'), ready),
  client(query('UPDATE b SET a = 1')),
  server(complete('UPDATE 1'), ready),
];
const mysql = [
  ...login(),
  client(ask('SELECT a FROM b')),
  server(packets(1, '\x01', column, eof(), '\x03ann', eof())),
  client(ask('USE other')),
  server(packet(1, ok())),
  client(ask('DELETE FROM missing')),
  server(packet(1, error(1146))),
];
const kafka = inTurn(hello(0), heartbeat(1), produce(2), heartbeat(3));

for (const [what, turns, lost, spans] of [
  ['Redis', redis, 3, ['SET ok', 'GET ?', 'SELECT ?', 'GET WRONGTYPE', 'TTL ok']],
  ['PostgreSQL', postgresql, 3, ['SELECT b ?', 'DELETE b ok', 'UPDATE b ok']],
  ['MySQL', mysql, 8, ['SELECT b ok', 'USE ?', 'DELETE missing 1146']],
  ['Kafka', kafka, 5, ['ApiVersions ok', 'Heartbeat ok', 'send orders ?', 'Heartbeat ok']],
] as const)
  test(`${what}: what a hole took the answer of is an incomplete span, and the next message is read`, async (t) => {
    const read = await without(turns, lost);
    t.deepEqual(read.spans.map(told), spans);
    t.deepEqual(read.ledger.requests.lost, {});
    const at = read.spans.findIndex(({ attributes: a }) => a['clover.incomplete'] !== undefined);
    const whole = segmentsOfTurns(turns, { clientIsn: 5, serverIsn: 9, cuts: [60_000] });
    // It ends where the hole does: before what comes behind it.
    t.is(read.spans[at]?.endNs, whole[lost + 3]?.timeNs ?? startNs);
  });

test('which database a connection is at is not known where the answer that says it is missing', async (t) => {
  for (const [turns, lost, before, behind] of [
    [redis, 3, '0', undefined],
    [mysql, 8, 'shop', undefined],
  ] as const) {
    const { spans } = await without(turns, lost);
    const namespaces = spans.map(({ attributes: a }) => a['db.namespace']);
    t.is(namespaces[0], before);
    t.is(namespaces.at(-1), behind);
  }
});

test('an answer that a hole took the midst of is no loss of the request', async (t) => {
  const rows = server(
    packets(1, '\x01', column, eof(), ...Array<string>(40).fill('\x03ann'), eof()),
  );
  const { spans, ledger } = await without(
    [
      ...login(),
      client(ask('SELECT a FROM b')),
      rows,
      client(packet(0, '\x0e')),
      server(packet(1, ok())),
    ],
    8,
    [100],
  );
  t.deepEqual(spans.map(told), ['SELECT b ?', 'PING ok']);
  t.deepEqual(ledger.requests.lost, {});
});
