import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

import test from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import { type Replay, rungs } from '../../../native/capture/types.ts';
import { ipv4 } from './capture-file.ts';
import { gapsOf, pod, segmentsOf, startNs, startReplay } from './conversation.ts';
import { exchanges } from './file-conversation.ts';
import { flag, type TcpSegment } from './frames.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';
import { startTestbed, type Testbed } from './testbed.ts';
import { framed, ipOf, ipv6, tunnels, type Wrap } from './tunnels.ts';

/** A frame on its way. */
interface Sent {
  readonly toPod: boolean;
  readonly frame: Buffer;
}

/** A conversation of its own in each tunnel, and without one, of both versions of IP. */
const talks = ([4, 6] as const).flatMap((version) =>
  [['none', (one: Buffer) => one] as const, ...tunnels].map(([name, wrap], at) => ({
    name: `${name}, IPv${version}`,
    version,
    wrap,
    peerPort: 40_000 + 100 * version + at,
  })),
);

const segmentsFrom = (peerPort: number): TcpSegment[] =>
  segmentsOf([exchanges], { clientIsn: 5, serverIsn: 6, cuts: [700], peerPort });

const frames: readonly Sent[] = talks.flatMap(({ version, wrap, peerPort }) =>
  segmentsFrom(peerPort).map((segment) => ({
    toPod: segment.toPod,
    frame: framed(wrap(ipOf(segment, { version }))),
  })),
);

const four: Wrap = (one) => ipv4(4, one);

/** What nothing is read of. */
const others: readonly Buffer[] = (() => {
  const segment = { toPod: true, seq: 7, ack: 9, flags: flag.ack, payload: Buffer.from('x') };
  const inner = ipOf({ ...segment, timeNs: startNs, podPort: 8080, peerPort: 4 });
  const later = ipOf({ ...segment, timeNs: startNs, podPort: 8080, peerPort: 4 }, { fragment: 9 });
  const some = Buffer.alloc(40);
  const laterOfSctp = ipv4(132, some);
  laterOfSctp.writeUInt16BE(9, 6);
  return [
    ipv4(132, some),
    ipv6(132, some),
    ipv4(47, some),
    ipv4(50, some),
    ipv4(1, some),
    later,
    four(later),
    laterOfSctp,
    four(four(four(inner))),
    four(ipv4(132, some)),
  ].map(framed);
})();
const counted = { sctp: 3, gre: 1, esp: 1, fragment: 3, nested: 1, other: 1 };

const sender = `
import socket, sys
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
tap.bind((sys.argv[1], 0))
for line in sys.stdin: tap.send(bytes.fromhex(line))
`;

/** Puts frames onto the veth, at the end that they come from. */
async function send(bed: Testbed, toPod: boolean, all: readonly Buffer[]): Promise<void> {
  const link = toPod ? bed.link : 'eth0';
  const python = ['python3', '-c', sender, link];
  const command = toPod ? python : ['ip', 'netns', 'exec', bed.namespace, ...python];
  const child = spawn('env', command, { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(all.map((frame) => frame.toString('hex')).join('\n'));
  await once(child, 'exit');
}

const ip = (...args: readonly string[]): unknown => execFileSync('ip', args);

const brief = ({ name, attributes: a }: DecodedSpan): unknown[] => [
  name,
  a['url.path'],
  a['http.response.status_code'],
  a['http.request.body.size'],
  a['http.response.body.size'],
];

/** What spans tell of each conversation. */
const toldBy = (spans: readonly DecodedSpan[]): Record<string, unknown> =>
  Object.fromEntries(
    talks.map(({ name, peerPort }) => [
      name,
      spans.filter(({ attributes: a }) => a['network.peer.port'] === peerPort).map(brief),
    ]),
  );

const wanted = Object.fromEntries(
  talks.map(({ name }) => [
    name,
    exchanges.map(({ method, path, status, requestBytes, responseBytes }) => [
      method,
      path,
      status,
      method === 'POST' || method === 'PUT' ? requestBytes : undefined,
      responseBytes,
    ]),
  ]),
);

const feed = (replay: Replay, all: readonly Sent[]): void => {
  for (const [at, { toPod, frame }] of all.entries())
    replay.frame(7, toPod, startNs + BigInt(at) * 10_000n, frame);
};

test('a replay opens tunnels, and counts what it cannot read, as the kernel programs do', async (t) => {
  const { replay, spans } = startReplay();
  feed(replay, frames);
  feed(
    replay,
    others.map((frame) => ({ toPod: true, frame })),
  );
  await replay.flush();
  t.deepEqual(toldBy(spans), wanted);
  const ledger = replay.ledger();
  t.deepEqual(ledger.wire.otherPackets, counted);
  t.deepEqual(ledger.wire.lost, {});
  t.deepEqual(gapsOf(ledger), []);
  await replay.close();
});

// Serial: each attaches kernel programs.
for (const rung of rungs)
  test.serial(`tunnels are opened at an interface, by ${rung}`, async (t) => {
    using bed = await startTestbed();
    const spans: DecodedSpan[] = [];
    const capture = createCapture({
      boot: '8899aabbccddeeff',
      ringBytes: 2 ** 22,
      rungs: [rung],
      onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
    });
    t.is(capture.attach(bed.ifindex, pod), rung);
    for (const toPod of [true, false])
      await send(
        bed,
        toPod,
        frames.filter((one) => one.toPod === toPod).map(({ frame }) => frame),
      );
    await send(bed, true, others);
    const count = talks.length * exchanges.length;
    for (let attempt = 0; attempt < 200; attempt += 1) {
      await capture.flush();
      if (spans.length >= count) break;
      await delay(25);
    }
    const ledger = capture.ledger();
    await capture.close();
    t.deepEqual(toldBy(spans), wanted);
    // The pod's own stack may speak ICMP meanwhile.
    const { other = 0, ...named } = ledger.wire.otherPackets;
    t.deepEqual({ ...named, other: 1 }, counted);
    t.true(other >= 1);
    t.deepEqual(ledger.wire.lost, {});
    t.deepEqual(gapsOf(ledger), []);
  });

test.serial('what a device of VXLAN sends is read in its long segments, too', async (t) => {
  using bed = await startTestbed();
  const host = bed.address.replace(/\d+$/, (last) => String(Number(last) - 1));
  const [inner, outer] = ['198.51.100.2', '198.51.100.1'];
  const overlay = `${bed.link}x`;
  const vxlan = ['type', 'vxlan', 'id', '7', 'dstport', '4789'];
  ip('link', 'add', overlay, ...vxlan, 'local', host, 'remote', bed.address);
  t.teardown(() => ip('link', 'del', overlay));
  const within = ['-n', bed.namespace];
  ip(...within, 'link', 'add', 'over', ...vxlan, 'local', bed.address, 'remote', host);
  ip('addr', 'add', `${outer}/30`, 'dev', overlay);
  ip(...within, 'addr', 'add', `${inner}/30`, 'dev', 'over');
  // As a network of pods has it: else the outer packets are cut, and of later parts nothing is read.
  ip('link', 'set', overlay, 'mtu', '1450', 'up');
  ip(...within, 'link', 'set', 'over', 'mtu', '1450', 'up');
  const size = 3_000_000;
  await bed.run(`
    import { createServer } from 'node:http';
    createServer((_, response) => response.end('y'.repeat(${size})))
      .listen(9000, '${inner}', () => console.log('up'));`);
  const spans: DecodedSpan[] = [];
  const capture = createCapture({
    boot: '8899aabbccddeeff',
    onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
  });
  capture.attach(bed.ifindex, pod);
  const response = await fetch(`http://${inner}:9000/all`);
  t.is((await response.arrayBuffer()).byteLength, size);
  for (let attempt = 0; attempt < 200 && spans.length === 0; attempt += 1) {
    await delay(25);
    await capture.flush();
  }
  const ledger = capture.ledger();
  await capture.close();
  t.deepEqual(
    spans.map(({ attributes: a }) => [
      a['url.path'],
      a['network.peer.address'],
      a['http.response.body.size'],
    ]),
    [['/all', outer, size]],
  );
  t.deepEqual([ledger.wire.lost, ledger.bytes.lost], [{}, {}]);
});
