import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { pcapFile, pcapngFile } from '../native/capture/capture-file.ts';
import {
  client,
  play,
  segmentsOfTurns,
  server,
  startReplay,
  type Turn,
} from '../native/capture/conversation.ts';
import { address, answerOf, first, framed, queryOf, types, www } from '../native/capture/dns.ts';
import { block, base, opening } from '../native/capture/http2-conversation.ts';
import { elf, goInfo, goTable, programBits, symbolTable } from '../native/capture/elf.ts';
import { data, goAway, headers, reset } from '../native/capture/http2.ts';
import { inTurn } from '../native/capture/kafka-conversation.ts';
import { fetch, heartbeat, hello, produce } from '../native/capture/kafka.ts';
import { recordedTurns } from '../native/capture/recorded-turns.ts';

/** How an input of `native/capture/fuzz/conversation.cc` begins. */
const begins = { stream: 0, late: 1, datagrams: 2 } as const;
type Begins = keyof typeof begins;

/** One input: who sends what, in segments or datagrams of at most 65,535 bytes. */
function talk(begin: Begins, sent: readonly Turn[]): Buffer {
  const steps = sent.flatMap(({ from, bytes }) => {
    const step = Buffer.from([from === 'client' ? 0 : 1, bytes.length >> 8, bytes.length & 255]);
    return [step, bytes];
  });
  return Buffer.concat([Buffer.from([begins[begin]]), ...steps]);
}

const asks = (text: string | Uint8Array): Turn => ({ from: 'client', bytes: Buffer.from(text) });
const says = (text: string | Uint8Array): Turn => ({ from: 'server', bytes: Buffer.from(text) });

const asked = 'GET /a?b=c HTTP/1.1\r\nHost: shop\r\n\r\n';
const http: readonly (readonly Turn[])[] = [
  [asks(asked + asked), says('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'.repeat(2))],
  [
    asks('POST / HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n'),
    says('HTTP/1.1 100 Continue\r\n\r\n'),
    asks('3;x=1\r\nabc\r\n0\r\nx-trailer: 1\r\n\r\n'),
    says('HTTP/1.1 404 No\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\n'),
  ],
  [
    asks('HEAD / HTTP/1.0\r\nconnection: keep-alive\r\nx-b3-traceid: 463ac35c9f6413ad\r\n\r\n'),
    says('HTTP/1.0 304 Not Modified\r\nContent-Length: 5\r\n\r\n'),
    asks('CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n'),
    says('HTTP/1.1 200 Fine\r\n\r\n'),
    asks(asked),
    says('HTTP/1.1 503 Later\r\n\r\n'),
  ],
  [
    asks('GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n'),
    says('HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n'),
    asks(Buffer.from('8183010203046a', 'hex')),
    says(Buffer.from('81026869880203e8', 'hex')),
  ],
  [
    asks(
      'GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: \r\n\r\n',
    ),
    says('HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n'),
    ...opening,
  ],
];

const http2: readonly (readonly Turn[])[] = [
  [
    client(headers(1, block(...base), true), headers(3, block(...base), false, 9), data(3, 'body')),
    server(headers(1, block([':status', '200']), true), reset(3, 8), goAway(3)),
  ],
  [
    client(
      headers(
        1,
        block(
          [':method', 'POST'],
          [':scheme', 'http'],
          [':path', '/shop.Cart/Add'],
          ['content-type', 'application/grpc'],
          ['te', 'trailers'],
        ),
      ),
      data(1, '\0\0\0\0\x01a'),
    ),
    server(
      headers(1, block([':status', '200'], ['content-type', 'application/grpc'])),
      headers(1, block(['grpc-status', '5'], ['grpc-message', 'no']), true),
    ),
  ],
].map((turns) => opening.concat(turns));

const query = queryOf(7, www, types.A);
const answer = answerOf(7, www, types.A, [{ type: types.A, data: address, name: first }]);

const clientHello = Buffer.from(
  `160301002f0100002b0303${'ab'.repeat(32)}000004130113020100`,
  'hex',
);

/** Messages of RFC 4475 (SIP), one a file. */
async function torture(): Promise<Buffer[]> {
  const folder = new URL('../native/capture/rfc4475/', import.meta.url);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.dat'));
  return Promise.all(names.map(async (name) => readFile(new URL(name, folder))));
}

/** Connections recorded from real servers. */
function recorded(name: string): Buffer[] {
  return recordedTurns(name).flatMap((turns) => {
    const sent = turns.flatMap(({ from, bytes }) =>
      Array.from({ length: Math.ceil(bytes.length / 60_000) }, (_, at) => ({
        from,
        bytes: bytes.subarray(at * 60_000, (at + 1) * 60_000),
      })),
    );
    return [talk('stream', sent), talk('late', sent.slice(2))];
  });
}

function files(): Buffer[] {
  const servers = new URL('../native/capture/recorded/servers.pcap.gz', import.meta.url);
  const packets = Array.from({ length: 3 }, (_, at) => ({
    timeNs: BigInt(at) * 1_000_000n,
    bytes: Buffer.alloc(60, at),
  }));
  return [
    gunzipSync(readFileSync(servers)).subarray(0, 32_768),
    pcapFile(packets),
    pcapngFile(packets),
  ];
}

/** An entry of a symbol table: a function of that name, by its offset among names. */
const symbol = (name: number): Buffer => {
  const entry = Buffer.alloc(24);
  entry.writeUInt32LE(name);
  entry.writeUInt8(2, 4);
  entry.writeUInt16LE(1, 6);
  entry.writeBigUInt64LE(128n, 8);
  return entry;
};

const bits = (name: string, bytes: Buffer) => ({ name, type: programBits, bytes });

/** Programs of Go and of C that have a TLS library, as far as one looks for it. */
function elfFiles(): Buffer[] {
  const table = goTable('crypto/tls.(*Conn).Read', 2, 64);
  // mov, ret; of arm64 as well.
  const code = Buffer.from('b80100000048c7c001000000c3c0035fd6', 'hex');
  const sections = '\0.symtab\0SSL_read\0SSL_write\0';
  const constants = Buffer.from('OpenSSL 3.5.8 25 Aug 2026\0BoringSSL\0');
  const symbols = Buffer.concat(
    ['SSL_read', 'SSL_write'].map((name) => symbol(sections.indexOf(name))),
  );
  return [
    elf([goInfo, bits('.gopclntab', table), bits('.text', code)]),
    elf([bits('.text', code), bits('.rodata', constants)], (file) => file.writeUInt32LE(1, 24)),
    // Its symbols are named as its sections are.
    elf([
      { name: '.symtab', type: symbolTable, bytes: symbols },
      bits('SSL_read', code),
      bits('SSL_write', code),
    ]),
  ];
}

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const u32 = (value: number): Buffer => Buffer.concat([u16(value >>> 16), u16(value & 65_535)]);
const withLength = (bytes: Uint8Array): Buffer => Buffer.concat([u16(bytes.length), bytes]);

/** An input of `native/capture/fuzz/state.cc`: what is told in the midst of a connection, and the rest of it. */
async function stateOf(turns: readonly Turn[]): Promise<Buffer> {
  const headBytes = 8;
  const packets = segmentsOfTurns(turns, { clientIsn: 5, serverIsn: 9, cuts: [700] });
  const cut = Math.ceil(packets.length / 2);
  const { replay } = startReplay();
  play(replay, packets.slice(0, cut));
  const told = [replay.handOver(), replay.handOverRequests()];
  await replay.close();
  return Buffer.concat([
    ...told.map((bytes) => withLength(bytes.subarray(headBytes, headBytes + 65_535))),
    ...packets
      .slice(cut)
      .flatMap(({ toPod, flags, seq, ack, payload }) => [
        Buffer.from([toPod ? 0 : 1, flags]),
        u32(seq),
        u32(ack),
        withLength(payload),
      ]),
  ]);
}

const states = async (): Promise<Buffer[]> =>
  Promise.all(
    [
      ...http,
      ...http2,
      inTurn(hello(1), produce(2), fetch(3), heartbeat(4)),
      ...['mysql', 'postgresql', 'redis'].flatMap(recordedTurns),
      [asks(framed(query)), says(framed(answer))],
      (await torture()).map(asks),
    ].map(stateOf),
  );

const both = (talks: readonly (readonly Turn[])[]): Buffer[] =>
  talks.flatMap((sent) => [talk('stream', sent), talk('late', sent)]);

/** What a target begins with, by its name. */
export const seeds: Readonly<Record<string, () => Buffer[] | Promise<Buffer[]>>> = {
  dns: () => [
    talk('datagrams', [asks(query), says(answer)]),
    talk('stream', [asks(framed(query)), says(framed(answer))]),
  ],
  file: files,
  http: () => both(http),
  http2: () => both(http2),
  kafka: () => both([inTurn(hello(1), produce(2), fetch(3), heartbeat(4))]),
  mysql: () => recorded('mysql'),
  postgresql: () => recorded('postgresql'),
  program: elfFiles,
  redis: () => recorded('redis'),
  sip: async () =>
    (await torture()).flatMap((message) =>
      (['datagrams', 'stream'] as const).map((begin) =>
        talk(begin, [asks(message), says(message)]),
      ),
    ),
  state: states,
  tls: () => both([[asks(clientHello), says(clientHello)]]),
};
