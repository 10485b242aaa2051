import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { Resolver } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';

import test from 'ava';

import { gapsOf } from './conversation.ts';
import { nameOf, queryOf, types } from './dns.ts';
import { sipRequest } from './sip.ts';
import { addIPv6, type Testbed } from './testbed.ts';
import { startTracedServer } from './traced-server.ts';

/** Answers each query with 192.0.2.7, and each SIP request with 200; sends all else back. */
const server = `
import { createSocket } from 'node:dgram';
const socket = createSocket('udp4');
socket.on('message', (asked, { address, port }) => {
  const text = asked.toString('latin1');
  let answer = asked;
  if (text.includes(' SIP/2.0\\r\\n')) {
    const kept = text.split('\\r\\n').filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line));
    answer = Buffer.from(['SIP/2.0 200 OK', ...kept, 'Content-Length: 0', '', ''].join('\\r\\n'));
  } else if (asked[5] === 1 && asked[4] === 0) {
    const question = asked.subarray(12, asked.indexOf(0, 12) + 5);
    const head = Buffer.concat([asked.subarray(0, 2), Buffer.from('8180000100010000' + '0000', 'hex')]);
    answer = Buffer.concat([head, question, Buffer.from('c00c000100010000003c0004c0000207', 'hex')]);
  }
  socket.send(answer, port, address);
});
socket.bind(5300, () => console.log('up'));
`;

/** The next datagram that comes. */
const next = (socket: Socket): Promise<Buffer> =>
  new Promise((resolve) => {
    socket.once('message', resolve);
  });

/** Datagrams, each of which is waited for to come back; the reader has time to decide after the first few. */
async function exchange(
  bed: Pick<Testbed, 'address'>,
  payloads: readonly Uint8Array[],
): Promise<Buffer[]> {
  const socket = createSocket(isIPv6(bed.address) ? 'udp6' : 'udp4');
  const answers: Buffer[] = [];
  for (const payload of payloads) {
    socket.send(payload, 5300, bed.address);
    answers.push(await next(socket));
    if (answers.length === 20) await delay(100);
  }
  socket.close();
  return answers;
}

// Serial: each attaches kernel programs.
test.serial('queries over UDP are spans of the pod that answers them', async (t) => {
  const { bed, capture, spans } = await startTracedServer(t, server, [5300]);
  const resolver = new Resolver();
  resolver.setServers([`${bed.address}:5300`]);
  const names = Array.from({ length: 20 }, (_, at) => `www${at}.example.com`);
  t.deepEqual(
    await Promise.all(names.map((name) => resolver.resolve4(name))),
    names.map(() => ['192.0.2.7']),
  );
  await capture.flush();
  const asked = spans.map(({ attributes }) => attributes['dns.question.name']);
  t.deepEqual(new Set(asked), new Set(names));
  t.is(asked.length, names.length);
  t.like(spans[0], { name: 'DNS A', kind: 2 });
  t.like(spans[0]?.attributes, {
    'network.transport': 'udp',
    'server.port': 5300,
    'dns.answers': '192.0.2.7',
  });
  const ledger = capture.ledger();
  t.deepEqual({ ...ledger.wire.lost, ...ledger.bytes.lost, ...ledger.bytes.skipped }, {});
  t.deepEqual(gapsOf(ledger), []);
});

test.serial('a SIP transaction over UDP is a span', async (t) => {
  const { bed, capture, spans } = await startTracedServer(t, server, [5300]);
  await exchange(bed, [sipRequest({ method: 'OPTIONS' })]);
  // The server may hear its request again until its transaction is over.
  for (let tries = 0; spans.length === 0 && tries < 100; tries += 1) {
    await delay(100);
    await capture.flush();
  }
  t.like(spans[0], { name: 'OPTIONS', kind: 2 });
  t.is(spans[0]?.attributes['sip.response.status_code'], 200);
  t.deepEqual(gapsOf(capture.ledger()), []);
});

/** One call of the kernel for many datagrams, which pass the veth as one packet. */
const sendAtOnce = `
import socket, sys
one = bytes.fromhex(sys.argv[2])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.setsockopt(17, 103, len(one))  # UDP_SEGMENT
    s.connect((sys.argv[1], 5300))
    s.send(b''.join(at.to_bytes(2, 'big') + one[2:] for at in range(int(sys.argv[3]))))
    for at in range(int(sys.argv[3])): s.recv(512)
`;

for (const count of [1, 5, 100]) {
  test.serial(`${count} datagrams that are sent at once are ${count} queries`, async (t) => {
    const { bed, capture, spans } = await startTracedServer(t, server, [5300]);
    const label = 'a'.repeat(60);
    const query = queryOf(0, nameOf(label, label, label, 'example'), types.A);
    execFileSync('python3', ['-c', sendAtOnce, bed.address, query.toString('hex'), `${count}`]);
    await capture.flush();
    t.is(spans.length, count);
    const ledger = capture.ledger();
    t.deepEqual({ ...ledger.wire.lost, ...ledger.bytes.lost, ...ledger.bytes.skipped }, {});
    t.deepEqual(gapsOf(ledger), []);
  });
}

test.serial('datagrams that nobody reads are soon left where they are, and counted', async (t) => {
  const { bed, capture } = await startTracedServer(t, server, [5300]);
  const payloads = Array.from({ length: 200 }, () => randomBytes(300).fill(0xff, 0, 12));
  t.deepEqual(await exchange(bed, payloads), payloads, 'they pass unchanged');
  await capture.flush();
  const { wire, bytes, ...rest } = capture.ledger();
  t.true(wire.unwanted >= 300 && wire.unwanted < 400, `${wire.unwanted}`);
  t.is(wire.payloadBytes, 2 * 200 * 300);
  t.deepEqual(bytes.skipped, { unrecognised: wire.payloadBytes });
  t.deepEqual(gapsOf({ wire, bytes, ...rest }), []);
});

for (const version of ['IPv4', 'IPv6']) {
  test.serial(`a datagram in pieces of ${version} is lost by name`, async (t) => {
    const both = server.replace("createSocket('udp4')", "createSocket('udp6')");
    const { bed, capture } = await startTracedServer(t, both, [5300]);
    const address = version === 'IPv4' ? bed.address : addIPv6(bed);
    const long = randomBytes(4_000);
    t.deepEqual(await exchange({ address }, [long]), [long]);
    await capture.flush();
    const ledger = capture.ledger();
    t.deepEqual(ledger.wire.lost, { fragment: 2 });
    t.deepEqual(ledger.bytes.lost, { fragment: 8_000 });
    t.deepEqual(gapsOf(ledger), []);
  });
}

test.serial('a datagram in pieces to a port that is not traced is no loss', async (t) => {
  const { bed, capture } = await startTracedServer(t, server, [5300]);
  capture.setPorts([5301]);
  const long = randomBytes(4_000);
  t.deepEqual(await exchange(bed, [long]), [long]);
  await capture.flush();
  const { wire } = capture.ledger();
  t.deepEqual({ lost: wire.lost, bytes: wire.payloadBytes }, { lost: {}, bytes: 0 });
});
