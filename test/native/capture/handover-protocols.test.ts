import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';

import { never } from '../../../native/capture/types.ts';
import {
  client,
  exchange,
  gapsOf,
  play,
  segmentsOf,
  segmentsOfTurns,
  server,
  startReplay,
} from './conversation.ts';
import type { Turn } from './conversation.ts';
import { address, answerOf, first, framed, queryOf, types, www } from './dns.ts';
import type { TcpSegment, UdpDatagram } from './frames.ts';
import {
  damage,
  handoverAt,
  marksToTheEnd,
  readByOne,
  readHandedOver,
  sizes,
  told,
} from './handing-over.ts';
import { HpackEncoder } from './http2.ts';
import { base, exchangesOf, opening } from './http2-conversation.ts';
import { streams } from './http2-streams.ts';
import { inTurn } from './kafka-conversation.ts';
import { fetch, heartbeat, hello, produce } from './kafka.ts';
import {
  bind,
  columns,
  complete,
  execute,
  message,
  parse,
  ready,
  row,
  start,
  sync,
} from './postgresql.ts';
import { recordedTurns } from './recorded-turns.ts';
import { command } from './redis.ts';
import { callOf } from './sip.ts';
import { closeOf, handshake, opcode, pushed, sent } from './websocket.ts';

const over = (turns: readonly Turn[], cuts: readonly number[]): TcpSegment[] =>
  segmentsOfTurns(turns, { clientIsn: 2 ** 32 - 300, serverIsn: 9, cuts });

/** Any of these conversations, in any segments. */
const talks = (...of: readonly (readonly Turn[])[]): fc.Arbitrary<TcpSegment[]> =>
  fc.tuple(fc.constantFrom(...of), sizes).map(([turns, cuts]) => over(turns, cuts));

const write = (...parts: readonly string[]): Turn => client(Buffer.from(parts.join(''), 'latin1'));
const reply = (...parts: readonly string[]): Turn => server(Buffer.from(parts.join(''), 'latin1'));

/** Redis with modes that outlast a command. */
const modes: readonly Turn[] = [
  write(command('SELECT', '3'), command('MULTI'), command('SET', 'a', 'b')),
  reply('+OK\r\n', '+OK\r\n'),
  reply('+QUEUED\r\n'),
  write(command('GET', 'a')),
  reply('+QUEUED\r\n'),
  write(command('EXEC')),
  reply('*2\r\n+OK\r\n$1\r\nb\r\n'),
  write(command('SUBSCRIBE', 'news', 'more')),
  reply('*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n'),
  reply('*3\r\n$9\r\nsubscribe\r\n$4\r\nmore\r\n:2\r\n'),
  reply('*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n'),
  write(command('UNSUBSCRIBE')),
  reply('*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:1\r\n'),
  reply('*3\r\n$11\r\nunsubscribe\r\n$4\r\nmore\r\n:0\r\n'),
  write(command('CLIENT', 'REPLY', 'SKIP'), command('INCR', 'n'), command('GET', 'n')),
  reply('$1\r\n1\r\n'),
];

/** PostgreSQL with what was prepared once, in pipelines. */
const prepared: readonly Turn[] = [
  ...start,
  write(parse('s1', 'SELECT a FROM t WHERE id = $1'), sync),
  reply(message('1'), ready),
  write(bind('s1'), execute('', 2), sync, parse('', 'DELETE FROM u'), bind(''), execute(), sync),
  reply(message('2'), row('1'), message('s'), ready),
  reply(message('1'), message('2'), complete('DELETE 0'), ready),
  write(message('Q', 'SELECT 1; SELECT 2\0')),
  reply(columns, row('1'), complete('SELECT 1')),
  reply(columns, row('2'), complete('SELECT 1'), ready),
  write(bind('s1'), execute(), sync),
  reply(message('2'), row('7'), complete('SELECT 1'), ready),
];

const chat: readonly Turn[] = [
  ...handshake('x-request-id: 7'),
  client(sent(opcode.text, 'hello', { final: false }), sent(opcode.ping, 'p')),
  server(pushed(opcode.pong, 'p'), pushed(opcode.binary, Buffer.alloc(300), { compressed: true })),
  client(sent(opcode.continuation, ' there')),
  server(pushed(opcode.text, Buffer.alloc(2_000, 'x'))),
  client(sent(opcode.close, closeOf(4001))),
  server(pushed(opcode.close, closeOf(4001))),
];

const events: readonly Turn[] = [
  write('GET /events HTTP/1.1\r\nHost: shop\r\n\r\n'),
  reply('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n'),
  ...Array.from({ length: 12 }, (_, at) => reply(`9\r\ndata: ${at % 10}\n\n\r\n`)),
  reply('0\r\n\r\n'),
  write('POST /late HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc'),
  reply('HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n'),
];

const query = queryOf(7, www, types.A);
const answer = answerOf(7, www, types.A, [{ type: types.A, data: address, name: first }]);
const asked = (id: number): Turn => client(framed(queryOf(id, www, types.A)));
const answered = (id: number): Turn =>
  server(framed(answerOf(id, www, types.A, [{ type: types.A, data: address, name: first }])));

/** Two calls at once, each over UDP. */
const calls: readonly UdpDatagram[] = [callOf('c-1'), callOf('c-2')]
  .flatMap((call, at) =>
    call.map((one) => ({
      ...one,
      timeNs: one.timeNs + BigInt(at) * 5_000_000n,
      payload: Buffer.from(
        Buffer.from(one.payload).toString('latin1').replaceAll('z9hG4bK-', `z9hG4bK-${at}`),
        'latin1',
      ),
    })),
  )
  .toSorted((a, b) => Number(a.timeNs - b.timeNs));

const callsOverTcp = calls.map(({ toPod, payload }) => (toPod ? client(payload) : server(payload)));
const kafka = inTurn(hello(1), produce(2), fetch(3), heartbeat(4));

const packets: Readonly<Record<string, fc.Arbitrary<readonly (TcpSegment | UdpDatagram)[]>>> = {
  dns: talks(
    [client(framed(query)), server(framed(answer))],
    [asked(1), asked(2), answered(2), asked(3), answered(1), answered(3)],
  ),
  'http/1': fc.oneof(
    talks(events),
    fc
      .tuple(
        fc.array(fc.array(exchange, { minLength: 1, maxLength: 3 }), {
          minLength: 1,
          maxLength: 4,
        }),
        sizes,
      )
      .map(([groups, cuts]) =>
        segmentsOf(groups, { clientIsn: 2 ** 32 - 300, serverIsn: 9, cuts }),
      ),
  ),
  'http/2': fc.tuple(streams(8), sizes).map(([{ turns }, cuts]) => over(turns, cuts)),
  kafka: talks(kafka),
  mysql: talks(...recordedTurns('mysql')),
  postgresql: talks(prepared, ...recordedTurns('postgresql')),
  redis: talks(modes, ...recordedTurns('redis')),
  'sip over udp': fc.constant(calls),
  'sip over tcp': talks(callsOverTcp),
  websocket: talks(chat),
};

for (const [protocol, any] of Object.entries(packets)) {
  test(`${protocol}: whatever the cuts, two captures make the spans of one, and the first waits for none`, async (t) => {
    t.timeout(120_000);
    let [own, given] = [0, 0];
    await fc.assert(
      fc.asyncProperty(any, marksToTheEnd, async (wire, shares) => {
        const at = handoverAt(wire.length, shares);
        const two = await readHandedOver(wire, at);
        t.deepEqual(told(two.spans), told(await readByOne(wire)), JSON.stringify(at));
        for (const ledger of two.ledgers) {
          t.deepEqual(gapsOf(ledger), []);
          for (const { lost } of [ledger.requests, ledger.sessions]) t.deepEqual(lost, {});
          t.deepEqual(ledger.takenOver.refused, {});
        }
        const seen = two.ledgers.flatMap(({ requests, sessions }) => [
          requests.seen,
          sessions.seen,
        ]);
        t.is(
          seen.reduce((all, one) => all + one, 0),
          two.spans.length,
        );
        own += two.own;
        given += two.ledgers[1].takenOver.requests;
      }),
      { numRuns: 200 },
    );
    t.true(own > 0, `the second one had ${own}`);
    t.true(given > 0, `of which the first one began ${given}`);
  });

  test(`${protocol}: no state does harm, whatever its bytes: the books close, and what is refused is counted`, async (t) => {
    t.timeout(120_000);
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(any, marksToTheEnd, damage, async (wire, shares, change) => {
        const at = handoverAt(wire.length, shares);
        const { ledgers } = await readHandedOver(wire, { ...at, cut: at.cut + 1 }, change);
        for (const ledger of ledgers) t.deepEqual(gapsOf(ledger), []);
        refused += Object.keys(ledgers[1].takenOver.refused).length;
      }),
      { numRuns: 200 },
    );
    t.true(refused > 30, `${refused}`);
  });
}

test('of a head that is half read nothing is left behind, whichever byte of its state is wrong', async (t) => {
  const segments = over([write('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')], [20]).slice(0, -2);
  const half = segments.slice(0, segments.findIndex(({ payload }) => payload.length > 0) + 1);
  const { replay: old } = startReplay();
  play(old, half);
  const state = old.handOver();
  const requests = old.handOverRequests();
  await old.close();
  for (let at = 8; at < state.length; at += 1) {
    for (const byte of [0, 1, 2, 255]) {
      const damaged = Buffer.from(state);
      damaged[at] = byte;
      const { replay } = startReplay({ window: { fromNs: never, untilNs: never } });
      play(replay, half.slice(0, -1));
      replay.takeOver(damaged);
      replay.takeOverRequests(requests);
      replay.detach(7);
      const ledger = replay.ledger();
      await replay.close();
      const left = [ledger.bytes.pending, ledger.requests.open, ...gapsOf(ledger)];
      t.deepEqual(left, [0, 0], `byte ${at} is ${byte}`);
    }
  }
});

test('the layout of a state is the one of its version: with another layout comes another version', async (t) => {
  const layout = createHash('sha256');
  const talk = [asked(1), asked(2), answered(2)];
  const [mysql = []] = recordedTurns('mysql');
  const h2 = [...opening, ...exchangesOf([new HpackEncoder().encode(base)])];
  for (const turns of [talk, events, h2, kafka, mysql, prepared, modes, callsOverTcp, chat]) {
    const segments = over(turns, [11]);
    // Between requests, of which attributes come along: these may change with each version.
    for (let cut = 0; cut < Math.min(segments.length, 400); cut += 3) {
      const { replay } = startReplay();
      play(replay, segments.slice(0, cut));
      const { requests, sessions } = replay.ledger();
      const state = requests.open + sessions.open === 0 ? replay.handOver() : undefined;
      await replay.close();
      if (state === undefined) continue;
      t.is(state.readUInt32LE(4), 8);
      layout.update(state);
    }
  }
  t.is(layout.digest('hex'), '00b24c6af5abd43cd521bba9e5f4a24999e7858998bdc9fc6b13fbe46b31e2a9');
});
