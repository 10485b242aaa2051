import test from 'ava';
import fc from 'fast-check';

import {
  client,
  gapsOf,
  play,
  segmentsOfTurns,
  server,
  startReplay,
  type Turn,
} from './conversation.ts';
import type { DecodedSpan } from './otlp.ts';
import { exchangesOf, get, opening } from './http2-conversation.ts';
import { recordedTurns } from './recorded-turns.ts';

const u16 = (...values: readonly number[]): Buffer =>
  Buffer.concat(values.map((value) => Buffer.from([value >>> 8, value & 0xff])));

/** A header of version 2: command, family with transport, and what follows. */
const binary = (command: number, family: number, ...body: readonly Buffer[]): Buffer => {
  const rest = Buffer.concat(body);
  const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
  return Buffer.concat([signature, Buffer.from([command, family]), u16(rest.length), rest]);
};

const v4 = Buffer.from([192, 0, 2, 9, 198, 51, 100, 1]);
const v6 = Buffer.from(`20010db8${'0'.repeat(22)}0920010db8${'0'.repeat(22)}01`, 'hex');
const ports = u16(51_000, 443);

/** PP2_TYPE_AUTHORITY. */
const authority = Buffer.concat([Buffer.from([2]), u16(4), Buffer.from('shop')]);

type Client = readonly [address: string, port: number | undefined];
const itself: Client = ['198.18.0.1', undefined];

const headers: Readonly<Record<string, readonly [header: Buffer, client: Client]>> = {
  'version 1 over IPv4': [
    Buffer.from('PROXY TCP4 192.0.2.9 198.51.100.1 51000 443\r\n'),
    ['192.0.2.9', 51_000],
  ],
  'version 1 over IPv6': [
    Buffer.from('PROXY TCP6 2001:db8::9 2001:db8::1 51000 443\r\n'),
    ['2001:db8::9', 51_000],
  ],
  'version 1 of a client that is not known': [Buffer.from('PROXY UNKNOWN\r\n'), itself],
  'version 1 of a client that is not known, with what it may have': [
    Buffer.from(`PROXY UNKNOWN ${'f'.repeat(39)} ${'f'.repeat(39)} 65535 65535\r\n`),
    itself,
  ],
  'version 2 over IPv4': [binary(0x21, 0x11, v4, ports), ['192.0.2.9', 51_000]],
  'version 2 over IPv6': [binary(0x21, 0x21, v6, ports), ['2001:db8::9', 51_000]],
  'version 2 with more': [binary(0x21, 0x11, v4, ports, authority), ['192.0.2.9', 51_000]],
  'version 2 of a check by the proxy itself': [binary(0x20, 0x00), itself],
  'version 2 of a Unix socket': [binary(0x21, 0x31, Buffer.alloc(216)), itself],
};

async function readIn(
  turns: readonly Turn[],
  cuts: readonly number[],
): Promise<{ spans: DecodedSpan[]; unrecognised: number; gaps: string[] }> {
  const { replay, spans } = startReplay();
  play(replay, segmentsOfTurns(turns, { clientIsn: 2 ** 32 - 20, serverIsn: 9, cuts }));
  await replay.flush();
  const ledger = replay.ledger();
  await replay.close();
  return { spans, unrecognised: ledger.bytes.skipped['unrecognised'] ?? 0, gaps: gapsOf(ledger) };
}

const http1 = [
  client(Buffer.from('GET /a HTTP/1.1\r\nHost: shop\r\n\r\n')),
  server(Buffer.from('HTTP/1.1 204 No\r\n\r\n')),
];

const talks: Readonly<Record<string, readonly Turn[]>> = {
  'HTTP/1': http1,
  'HTTP/2': [...opening, ...exchangesOf([get])],
  MySQL: recordedTurns('mysql')[0] ?? [],
};

const clientsOf = (spans: readonly DecodedSpan[]): unknown[] =>
  spans.map(({ attributes }) => [attributes['client.address'], attributes['client.port']]);

for (const [kind, [header, expected]] of Object.entries(headers))
  for (const [protocol, turns] of Object.entries(talks))
    test(`a header of PROXY ${kind} is stepped over before ${protocol}, and tells the client`, async (t) => {
      const plain = await readIn(turns, [60_000]);
      t.true(plain.spans.length > 0);
      for (const size of [1, 7, 60_000]) {
        const { spans, unrecognised, gaps } = await readIn([client(header), ...turns], [size]);
        t.deepEqual(
          clientsOf(spans),
          plain.spans.map(() => [...expected]),
        );
        t.deepEqual(
          spans.map(({ name, status }) => [name, status]),
          plain.spans.map(({ name, status }) => [name, status]),
        );
        t.is(unrecognised, 0);
        t.deepEqual(gaps, []);
      }
    });

test('a header and the first request in one segment', async (t) => {
  const [header] = headers['version 2 over IPv4'] ?? [];
  const [asked, ...rest] = http1;
  if (header === undefined || asked === undefined) throw new Error('nothing to say');
  const { spans, gaps } = await readIn([client(header, asked.bytes), ...rest], [60_000]);
  t.deepEqual(clientsOf(spans), [['192.0.2.9', 51_000]]);
  t.deepEqual(gaps, []);
});

const wrong: Readonly<Record<string, Buffer>> = {
  'another family': Buffer.from('PROXY UDP4 192.0.2.9 198.51.100.1 51000 443\r\n'),
  'a name for an address': Buffer.from('PROXY TCP4 localhost 198.51.100.1 51000 443\r\n'),
  'an address of the other family': Buffer.from('PROXY TCP4 2001:db8::9 ::1 51000 443\r\n'),
  'a port that is none': Buffer.from('PROXY TCP4 192.0.2.9 198.51.100.1 65536 443\r\n'),
  'no end in 107 bytes': Buffer.from(`PROXY UNKNOWN ${'f'.repeat(100)}\r\n`),
  'a third version': binary(0x31, 0x11, v4, ports),
  'another command': binary(0x22, 0x11, v4, ports),
  'addresses that are cut': binary(0x21, 0x11, v4),
  'a length beyond what is kept': binary(0x21, 0x11, v4, ports, Buffer.alloc(20_000)),
};

for (const [what, header] of Object.entries(wrong))
  test(`a header of PROXY with ${what} is none, and no client is made up`, async (t) => {
    const { spans, unrecognised, gaps } = await readIn([client(header), ...http1], [500]);
    t.deepEqual(spans, []);
    t.true(unrecognised > 0);
    t.deepEqual(gaps, []);
  });

test('any bytes behind the beginning of a header leave the ledger closed', async (t) => {
  const begin = fc.constantFrom(
    Buffer.from('PROXY '),
    Buffer.from('PROXY TCP4 1'),
    binary(0x21, 0x11),
  );
  const bytes = fc.uint8Array({ maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(begin, bytes, fc.integer({ min: 1, max: 9 }), async (head, rest, size) => {
      t.deepEqual((await readIn([client(head, rest), ...http1], [size])).gaps, []);
    }),
    { numRuns: 300 },
  );
});
