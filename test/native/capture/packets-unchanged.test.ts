import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import test from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import { rungs, type CapturePoint, type Rung } from '../../../native/capture/types.ts';
import { pod } from './conversation.ts';
import { queryOf, types, www } from './dns.ts';
import { flag, frameOf, type FrameShape } from './frames.ts';
import { startTestbed, type Testbed } from './testbed.ts';

/**
 * A packet socket that tells so many frames with a mark in them as text, one by one: all bytes, and the VLAN tag that the
 * kernel keeps beside them.
 */
const listener = `
import socket, sys
link, mark, count = sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3])
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
tap.setsockopt(263, 8, 1)
tap.bind((link, 0))
print('up', flush=True)
while count > 0:
    frame, beside, flags, address = tap.recvmsg(65536, 64)
    if mark not in frame or address[2] == socket.PACKET_OUTGOING: continue
    print(frame.hex(), beside[0][2][16:].hex())
    count -= 1
`;

const sender = `
import socket, sys
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
tap.bind((sys.argv[1], 0))
for line in sys.stdin: tap.send(bytes.fromhex(line))
`;

const mark = Buffer.from('clover-test-mark');

const shapes: readonly FrameShape[] = [
  {},
  { vlans: [5] },
  { vlans: [5, 6] },
  { ipOptions: 3 },
  { version: 6 },
  { padding: 18 },
  { fragment: 0x2000 },
  { fragment: 0x00ff },
];

/** Frames of every form that programs look at: some that they copy, and some that they cannot read. */
function framesOf(toPod: boolean): readonly Buffer[] {
  const ends = { toPod, timeNs: 0n, podPort: 8080, peerPort: 40_000 };
  const text = Buffer.concat([Buffer.from('GET /a HTTP/1.1\r\nHost: a\r\nX: '), mark]);
  const segment = { ...ends, seq: 7, ack: 9, flags: flag.ack, payload: text };
  const query = Buffer.concat([queryOf(1, www, types.A), mark]);
  const datagram = { ...ends, payload: query };
  const whole = shapes.flatMap((shape) => [frameOf(segment, shape), frameOf(datagram, shape)]);
  const first = frameOf(segment);
  // IP headers that lie about their length, and a TCP header that does.
  const lies = [
    [14, 0x41],
    [14, 0x4f],
    [17, 0xff],
    [46, 0xf0],
    [46, 0x10],
  ].map(([at = 0, byte = 0]) =>
    Buffer.concat([first.subarray(0, at), Buffer.from([byte]), first.subarray(at + 1)]),
  );
  return [...whole, ...lies];
}

const inNamespace = (bed: Testbed, ...command: readonly string[]): readonly string[] => [
  'netns',
  'exec',
  bed.namespace,
  ...command,
];

function python(
  bed: Testbed,
  inPod: boolean,
  script: string,
  ...args: readonly string[]
): ChildProcess {
  const command = ['python3', '-c', script, ...args];
  const [program = '', ...rest] = inPod ? ['ip', ...inNamespace(bed, ...command)] : command;
  return spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Sends frames through the veth, and tells how they come out at the other end. */
async function through(bed: Testbed, toPod: boolean): Promise<readonly string[]> {
  const frames = framesOf(toPod);
  const args = [mark.toString('hex'), String(frames.length)];
  const hears = python(bed, toPod, listener, toPod ? 'eth0' : bed.link, ...args);
  const lines: AsyncIterator<string, unknown, unknown> = createInterface(
    hears.stdout ?? process.stdin,
  )[Symbol.asyncIterator]();
  await lines.next();
  const says = python(bed, !toPod, sender, toPod ? bed.link : 'eth0');
  says.stdin?.end(frames.map((frame) => frame.toString('hex')).join('\n'));
  const told: string[] = [];
  for await (const line of { [Symbol.asyncIterator]: () => lines }) told.push(line);
  return told;
}

/** What passes the veth, both ways. */
const pass = async (bed: Testbed): Promise<readonly string[]> => [
  ...(await through(bed, true)),
  ...(await through(bed, false)),
];

/** The kernel numbers the packets of a host (IP identification), which the checksum of the header shows, too. */
const withoutNumber = (frame: string): string =>
  `${frame.slice(0, 36)}----${frame.slice(40, 48)}----${frame.slice(52)}`;

/** Datagrams of sockets in the pod, as they come out at the node. */
async function sent(bed: Testbed): Promise<readonly string[]> {
  const sizes = [0, 1, 100, 1_400];
  const hears = python(bed, false, listener, bed.link, mark.toString('hex'), String(sizes.length));
  const lines: AsyncIterator<string, unknown, unknown> = createInterface(
    hears.stdout ?? process.stdin,
  )[Symbol.asyncIterator]();
  await lines.next();
  const host = bed.address.replace(/\d+$/, (last) => String(Number(last) - 1));
  await bed.run(`
    import { createSocket } from 'node:dgram';
    const socket = createSocket('udp4');
    socket.bind(40_000, () => {
      for (const size of ${JSON.stringify(sizes)})
        socket.send('${mark.toString()}' + 'x'.repeat(size), 40_001, '${host}');
      setTimeout(() => socket.close(() => console.log('sent')), 200);
    });`);
  const told: string[] = [];
  for await (const line of { [Symbol.asyncIterator]: () => lines }) told.push(line);
  return told.map(withoutNumber);
}

/** Does something, first alone and then under the eyes of a capture that sees it. */
async function compare(
  point: CapturePoint,
  ways: readonly Rung[],
  act: () => Promise<readonly string[]>,
) {
  const alone = await act();
  const capture = createCapture({
    boot: '8899aabbccddeeff',
    ringBytes: 65_536,
    rungs: ways,
    onBatch: () => undefined,
  });
  try {
    capture.attach(point, pod);
    return { alone, watched: await act(), seen: capture.ledger().wire.segments };
  } finally {
    await capture.close();
  }
}

for (const rung of rungs) {
  test.serial(`frames pass ${rung} byte for byte`, async (t) => {
    const bed = await startTestbed();
    t.teardown(() => bed[Symbol.dispose]());
    const { alone, watched, seen } = await compare(bed.ifindex, [rung], () => pass(bed));
    t.is(alone.length, 2 * framesOf(true).length);
    t.deepEqual(watched, alone);
    t.true(seen >= 2 * shapes.length, `${seen}`);
  });
}

test.serial('packets pass a cgroup byte for byte', async (t) => {
  const bed = await startTestbed();
  t.teardown(() => bed[Symbol.dispose]());
  const { alone, watched, seen } = await compare(bed.cgroup, [], () => sent(bed));
  t.is(alone.length, 4);
  t.deepEqual(watched, alone);
  t.true(seen >= 4, `${seen}`);
});
