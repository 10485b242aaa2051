import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { ipv4, packetsOf, pcapFile, udp } from '../../native/capture/capture-file.ts';
import {
  client,
  segmentsOf,
  segmentsOfTurns,
  server,
  startNs,
  wire,
} from '../../native/capture/conversation.ts';
import { closeOf, handshake, opcode, pushed, sent } from '../../native/capture/websocket.ts';
import { runCli } from '../run-cli.ts';
import { inFile, readLines } from '../traced-lines.ts';

const recorded = fileURLToPath(
  new URL('../../native/capture/recorded/servers.pcap.gz', import.meta.url),
);
const bin = fileURLToPath(new URL('../../../cloverctl/bin.mjs', import.meta.url));

const json = async (file: Uint8Array): Promise<ReturnType<typeof readLines>> =>
  inFile(file, async (path) => readLines((await runCli(['trace', path, '--json'])).stdout));

const ask = (path: string): Buffer =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: cart.shop\r\n\r\n`);
const answered = {
  request: ask('/a'),
  response: Buffer.from('HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok'),
  method: 'GET',
  path: '/a',
  status: 200,
  requestBytes: 0,
  responseBytes: 2,
};
const segments = segmentsOf([[answered]], {
  clientIsn: 5,
  serverIsn: 6,
  cuts: [700],
  stepNs: 1_000_000n,
});

test('each request is one line of JSON, in order of time, and the ledger is the last', async (t) => {
  const { code, stdout, stderr } = await runCli(['trace', recorded, '--json']);
  t.is(code, 0);
  t.is(stderr, '');
  const { spans, ledger } = readLines(stdout);
  t.is(spans.length, 75);
  // The client of its WebSocket masks no frame, which RFC 6455 §5.1 forbids: that is no session.
  t.deepEqual(ledger.lost, {});
  t.deepEqual(ledger.sessions, { seen: 1, spans: 0, lost: { malformed: 1 } });
  const starts = spans.map(({ start }) => start);
  t.deepEqual(starts, starts.toSorted());
});

test('a span says who asked whom, how it ended and how long it took', async (t) => {
  const { spans } = await json(pcapFile(packetsOf(segments)));
  t.is(spans.length, 1);
  t.deepEqual(
    { ...spans[0], attributes: undefined },
    {
      kind: 'span',
      protocol: 'http',
      name: 'GET',
      start: '2026-09-21T14:13:20.102000000Z',
      durationMs: 1,
      status: 200,
      client: { address: '198.18.0.1', port: 40_000 },
      server: { address: '198.18.0.2', port: 8_080 },
      streamId: null,
      incomplete: false,
      attributes: undefined,
      events: [
        ['connect.start', '100000000'],
        ['connect.end', '101000000'],
        ['first_byte', '103000000'],
      ].map(([name = '', fraction]) => ({
        name,
        time: `2026-09-21T14:13:20.${fraction}Z`,
        attributes: {},
      })),
    },
  );
  t.like(spans[0]?.attributes, { 'http.request.method': 'GET', 'url.path': '/a' });
});

test('a session of WebSocket is no request: it has a line and an account of its own', async (t) => {
  const closing = closeOf(1000);
  const talk = [
    ...handshake(),
    client(sent(opcode.close, closing)),
    server(pushed(opcode.close, closing)),
  ];
  const file = pcapFile(packetsOf(segmentsOfTurns(talk, wire)));
  const { spans, sessions, ledger } = await json(file);
  t.deepEqual(
    spans.map(({ name, status }) => [name, status]),
    [['GET', 101]],
  );
  t.like(ledger, { requests: 1, spans: 1, sessions: { seen: 1, spans: 1, lost: {} } });
  t.like(sessions, [{ name: 'WebSocket session', protocol: 'http', status: null }]);
  const { stdout } = await inFile(file, (path) => runCli(['trace', path]));
  t.regex(stdout, /http +101 .* GET \/chat\n.*WebSocket session \/chat\n/);
  t.regex(stdout, /requests: 1 = 1 spans \+ 0 lost\nsessions: 1 = 1 spans \+ 0 lost\n/);
});

test('for people there is a table, and where everything went', async (t) => {
  const { code, stdout } = await inFile(pcapFile(packetsOf(segments)), (path) =>
    runCli(['trace', path]),
  );
  t.is(code, 0);
  t.is(
    stdout,
    [
      'TIME              CLIENT             SERVER            PROTOCOL   STATUS     DURATION   NAME',
      '14:13:20.102000   198.18.0.1:40000   198.18.0.2:8080   http       200         1.000ms   GET /a',
      '',
      'packets:  6, 1 connections',
      'requests: 1 = 1 spans + 0 lost',
      'bytes:    78 = 78 parsed + 0 skipped + 0 lost',
      '',
    ].join('\n'),
  );
});

test('packets that carry neither TCP nor UDP are told by what they carry', async (t) => {
  const [icmp, esp] = [1, 50];
  const packets = [icmp, icmp, esp].map((protocol) => ({
    timeNs: startNs,
    bytes: ipv4(protocol, Buffer.alloc(8)),
  }));
  const file = pcapFile(packets, { link: 101 });
  t.deepEqual((await json(file)).ledger.otherPackets, { esp: 1, other: 2 });
  const { stdout } = await inFile(file, (path) => runCli(['trace', path]));
  t.regex(stdout, /^packets:  3, 0 connections, 3 without TCP or UDP \(esp 1, other 2\)$/m);
});

test('a request without an answer is an incomplete span, and no error', async (t) => {
  const { spans, ledger } = await json(pcapFile(packetsOf(segments.slice(0, 3))));
  t.is(ledger.requests, 1);
  t.like(spans[0], { status: null, incomplete: true });
  t.is(spans[0]?.attributes['error.type'], undefined);
});

test('DNS is told by the number of its answer', async (t) => {
  const name = Buffer.concat([Buffer.from([4]), Buffer.from('cart'), Buffer.from([0, 0, 1, 0, 1])]);
  const query = Buffer.concat([Buffer.from('123401000001000000000000', 'hex'), name]);
  const answer = Buffer.concat([Buffer.from('123481830001000000000000', 'hex'), name]);
  const back = Buffer.concat([Buffer.from([0, 53, 0xc3, 0x50]), udp(0, answer).subarray(4)]);
  const there = ipv4(17, udp(53, query));
  const reply = ipv4(17, back);
  // The addresses, the other way round.
  const [from, to] = [Buffer.from(reply.subarray(12, 16)), Buffer.from(reply.subarray(16, 20))];
  reply.set(to, 12);
  reply.set(from, 16);
  const packets = [
    { timeNs: startNs, bytes: there },
    { timeNs: startNs + 2_000_000n, bytes: reply },
  ];
  const { spans } = await json(pcapFile(packets, { link: 101 }));
  t.like(spans[0], { protocol: 'dns', status: 3, durationMs: 2, server: { port: 53 } });
});

test('a file comes from stdin, too, packed or not, and in pieces', async (t) => {
  const packed = await readFile(recorded);
  for (const file of [packed, gunzipSync(packed), gzipSync(gunzipSync(packed))]) {
    const child = spawn(process.execPath, [bin, 'trace', '-', '--json'], {
      env: {},
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.write(file.subarray(0, 1));
    child.stdin.end(file.subarray(1));
    const { spans } = readLines(await text(child.stdout));
    t.is(spans.length, 75);
  }
});

test('what is no capture is an error that says so, with its own exit code', async (t) => {
  const cases: readonly [file: Buffer, message: RegExp][] = [
    [Buffer.from('{"no": "capture"}'), /at byte 0: it is no capture file \(pcap or pcapng\)/],
    [Buffer.alloc(0), /it is no capture file/],
    [
      pcapFile(packetsOf(segments), { link: 127 }),
      /127 \(IEEE802_11_RADIOTAP\), which cannot be read/,
    ],
    [Buffer.from('1f8bff0000000000', 'hex'), /packed with gzip, and damaged/],
  ];
  for (const [file, message] of cases) {
    const plain = await inFile(file, (path) => runCli(['trace', path]));
    t.is(plain.code, 4);
    t.is(plain.stdout, '');
    t.regex(plain.stderr, message);
    const { stdout } = await inFile(file, (path) => runCli(['trace', path, '--json']));
    t.like(JSON.parse(stdout), { error: { code: 'CLV_CAPTURE_FILE_INVALID' } });
  }
  const missing = await runCli(['trace', '/nonexistent/file.pcap']);
  t.is(missing.code, 2);
  t.regex(missing.stderr, /cannot read .*there is no such file/);
});

test('what stands before the damage is shown, and the damage is told', async (t) => {
  const file = Buffer.concat([pcapFile(packetsOf(segments)), Buffer.alloc(16, 0xff)]);
  const { code, stdout, stderr } = await inFile(file, (path) => runCli(['trace', path]));
  t.is(code, 4);
  t.regex(stdout, /GET \/a\n[^]*requests: 1 = 1 spans/);
  t.regex(stderr, /a packet of 4294967295 bytes/);
  const cut = await inFile(file.subarray(0, -30), (path) => runCli(['trace', path]));
  t.is(cut.code, 0);
  t.regex(cut.stderr, /warning: the file ends in the middle of a packet/);
});

test('a reader that has seen enough, such as head, is no error', async (t) => {
  const command = `"${process.execPath}" "${bin}" trace "${recorded}" --json | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const child = spawn('bash', ['-c', command], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  t.regex(stdout, /^\{"kind":"span".*\n0\n$/);
  t.is(stderr, '');
});

test('Ctrl-C ends a file that is still being written where it is', async (t) => {
  const child = spawn(process.execPath, [bin, 'trace', '-', '--json'], { env: {}, stdio: 'pipe' });
  const seconds = Array.from({ length: 5 }, (_, index) =>
    segmentsOf([[answered]], {
      clientIsn: 5,
      serverIsn: 6,
      cuts: [700],
      peerPort: 40_000 + index,
      timeNs: startNs + BigInt(index) * 1_000_000_000n,
    }),
  );
  child.stdin.on('error', () => undefined).write(pcapFile(packetsOf(seconds.flat())));
  const exited: Promise<unknown> = once(child, 'exit');
  // The spans of the first seconds go out while the file goes on.
  await once(child.stdout, 'readable');
  child.kill('SIGINT');
  const { spans } = readLines(await text(child.stdout));
  t.is(spans.length, 5);
  await exited;
  t.is(child.exitCode, 130);
});
