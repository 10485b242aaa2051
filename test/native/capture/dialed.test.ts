import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import test, { type ExecutionContext } from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import { type Capture, never } from '../../../native/capture/types.ts';
import { makeCgroup, removeCgroups } from './cgroup.ts';
import { gapsOf, pod } from './conversation.ts';
import { bpftool, withForeignPrograms } from './foreign-program.ts';
import { nameServer } from './name-server.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';
import { bpfIdsOf, startTestbed, type Testbed } from './testbed.ts';

/**
 * What a CNI does that balances load at sockets, for every process below a cgroup: 192.0.2.7:80 and 2001:db8::7:80 are port 9000 of this
 * host, and 192.0.2.53:53 is port 5300.
 */
const balancer = `
#include <bpf/bpf_endian.h>
static __always_inline int redirect(struct bpf_sock_addr *call, __u32 from, __u16 port, __u16 to)
{
  if (call->user_ip4 != bpf_htonl(from) || call->user_port != bpf_htons(port)) return 1;
  call->user_ip4 = bpf_htonl(0x7f000001);
  call->user_port = bpf_htons(to);
  return 1;
}
SEC("cgroup/connect4") int connect_v4(struct bpf_sock_addr *call)
{
  redirect(call, 0xc0000207, 80, 9000);
  return redirect(call, 0xc0000235, 53, 5300);
}
SEC("cgroup/recvmsg4") int receive_v4(struct bpf_sock_addr *call)
{
  if (call->user_ip4 != bpf_htonl(0x7f000001) || call->user_port != bpf_htons(5300)) return 1;
  call->user_ip4 = bpf_htonl(0xc0000235);
  call->user_port = bpf_htons(53);
  return 1;
}
SEC("cgroup/connect6") int connect_v6(struct bpf_sock_addr *call)
{
  int mapped = call->user_ip6[2] == bpf_htonl(0xffff) && call->user_ip6[3] == bpf_htonl(0xc0000207);
  if (call->user_port != bpf_htons(80) || (!mapped && call->user_ip6[0] != bpf_htonl(0x20010db8))) return 1;
  call->user_ip6[0] = call->user_ip6[1] = 0;
  call->user_ip6[2] = mapped ? bpf_htonl(0xffff) : 0;
  call->user_ip6[3] = bpf_htonl(mapped ? 0x7f000001 : 1);
  call->user_port = bpf_htons(9000);
  return 1;
}
`;

const hooks = {
  connect4: 'connect_v4',
  connect6: 'connect_v6',
  recvmsg4: 'receive_v4',
};

/** Balances load for the bed's processes; `flags` as bpftool has them. */
function balanceLoad(t: ExecutionContext, bed: Testbed, ...flags: readonly string[]): void {
  const pins = `/sys/fs/bpf/${bed.namespace}`;
  t.teardown(() => rmSync(pins, { recursive: true, force: true }));
  withForeignPrograms(balancer, (object) => bpftool('prog', 'loadall', object, pins));
  for (const [hook, program] of Object.entries(hooks))
    bpftool('cgroup', 'attach', bed.cgroup, hook, 'pinned', `${pins}/${program}`, ...flags);
}

const servers = `${nameServer("5300, '127.0.0.1'")}
import { createServer } from 'node:net';
createServer((socket) => {
  socket.on('data', () => socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n'));
}).listen(9000, '::', () => console.log('up'));
`;

interface Watched {
  readonly capture: Capture;
  readonly spans: DecodedSpan[];
}

interface Bed extends Testbed {
  readonly watch: (boot?: string) => Watched;
  /** Runs statements as a process of a container's own cgroup, to their end. */
  readonly runInContainer: (script: string) => Promise<void>;
}

/** A bed whose servers are outside of the cgroup that is looked at. */
async function startBed(t: ExecutionContext): Promise<Bed> {
  const bed = await startTestbed();
  const container = makeCgroup(bed.namespace, 'container');
  t.teardown(async () => {
    bed[Symbol.dispose]();
    await removeCgroups(container);
  });
  execFileSync('ip', ['-n', bed.namespace, 'link', 'set', 'lo', 'up']);
  execFileSync('ip', ['-n', bed.namespace, 'route', 'add', 'default', 'dev', 'eth0']);
  await bed.run(servers);
  const watch = (boot = '8899aabbccddeeff'): Watched => {
    const spans: DecodedSpan[] = [];
    const onBatch = ({ otlp }: { otlp: Buffer }): void => void spans.push(...decodeSpans(otlp));
    const capture = createCapture({ boot, ringBytes: 1 << 20, onBatch });
    t.teardown(() => capture.close());
    capture.attach(container, pod);
    return { capture, spans };
  };
  const imports = `
import { existsSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
// With an empty Host nothing but its connection says where a request goes.
const request = async (socket) => { socket.write('GET / HTTP/1.1\\r\\nHost:\\r\\n\\r\\n'); await once(socket, 'data'); };
`;
  const runInContainer = (script: string) =>
    bed.run(`${imports}${script}\nconsole.log('done');`, container);
  return Object.assign(bed, { watch, runInContainer });
}

async function settled({ capture }: Watched, count: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { requests } = capture.ledger();
    if (requests.seen >= count && requests.open === 0) break;
    await delay(25);
  }
  await capture.flush();
}

const endsOf = ({ attributes }: DecodedSpan) => [
  attributes['server.address'],
  attributes['server.port'],
  attributes['network.peer.address'],
  attributes['network.peer.port'],
];

const byPeer = ['127.0.0.1', 9000];

// Serial: each attaches kernel programs.
test.serial(
  'a span names the Service that was called, and the peer that a CNI chose',
  async (t) => {
    const bed = await startBed(t);
    balanceLoad(t, bed, 'multi');
    const watched = bed.watch();
    await bed.runInContainer(`
for (const to of [[80, '192.0.2.7'], [80, '2001:db8::7'], [80, '::ffff:192.0.2.7'], [9000, '127.0.0.1'], [9000, '0.0.0.0']]) {
  const socket = connect(...to);
  await request(socket);
  socket.destroy();
}`);
    await settled(watched, 5);
    t.deepEqual(watched.spans.map(endsOf), [
      ['192.0.2.7', 80, ...byPeer],
      ['2001:db8::7', 80, '::1', 9000],
      ['192.0.2.7', 80, ...byPeer],
      [...byPeer, ...byPeer],
      [...byPeer, ...byPeer],
    ]);
    t.deepEqual(gapsOf(watched.capture.ledger()), []);
  },
);

test.serial(
  'a query goes to the name server that was asked, and its answer is waited for',
  async (t) => {
    const bed = await startBed(t);
    balanceLoad(t, bed, 'multi');
    const watched = bed.watch();
    await bed.runInContainer(`
const resolver = new Resolver();
resolver.setServers(['192.0.2.53:53']);
const [address] = await resolver.resolve4('www.example.com');
const socket = connect(80, address);
await request(socket);
socket.destroy();`);
    await settled(watched, 2);
    const [resolved, called] = watched.spans;
    t.deepEqual(resolved && endsOf(resolved), ['192.0.2.53', 53, '192.0.2.53', 53]);
    t.is(resolved?.attributes['dns.answers'], '192.0.2.7');
    // It waited for the Service's address, and not for that of the peer.
    const events = called?.events.map(({ name }) => name);
    t.deepEqual(events?.slice(0, 3), ['dns.start', 'dns.end', 'connect.start']);
    t.deepEqual(gapsOf(watched.capture.ledger()), []);
  },
);

/** One request to the Service. */
const callService = `
const socket = connect(80, '192.0.2.7');
await request(socket);
socket.destroy();`;

test.serial('a CNI whose programs may be replaced by those of others keeps its own', async (t) => {
  const bed = await startBed(t);
  balanceLoad(t, bed, 'override');
  const watched = bed.watch();
  t.is(bpfIdsOf('self').links.length, 3);
  await bed.runInContainer(callService);
  await settled(watched, 1);
  t.deepEqual(watched.spans.map(endsOf), [[...byPeer, ...byPeer]]);
});

test.serial('a CNI that comes later and wants to be alone gets its way', async (t) => {
  const bed = await startBed(t);
  const watched = bed.watch();
  t.is(bpfIdsOf('self').links.length, 5);
  balanceLoad(t, bed);
  for (let attempt = 0; attempt < 200 && bpfIdsOf('self').links.length > 3; attempt += 1)
    await delay(100);
  await bed.runInContainer(callService);
  await settled(watched, 1);
  t.deepEqual(watched.spans.map(endsOf), [[...byPeer, ...byPeer]]);
});

test.serial('a successor knows what connections were opened to', async (t) => {
  const bed = await startBed(t);
  balanceLoad(t, bed, 'multi');
  const old = bed.watch();
  const sign = join(tmpdir(), bed.namespace);
  t.teardown(() => rmSync(sign, { force: true }));
  const client = bed.runInContainer(`
const socket = connect(80, '192.0.2.7');
await request(socket);
while (!existsSync(${JSON.stringify(sign)})) await delay(20);
await request(socket);
socket.destroy();`);
  await settled(old, 1);
  const next = bed.watch('00112233445566aa');
  next.capture.setWindow({ fromNs: never, untilNs: never });
  next.capture.hold(2_000);
  next.capture.takeOver(old.capture.handOver());
  const at = process.hrtime.bigint();
  old.capture.setWindow({ fromNs: 0n, untilNs: at });
  next.capture.setWindow({ fromNs: at, untilNs: never });
  writeFileSync(sign, '');
  await client;
  await settled(next, 1);
  t.deepEqual(next.capture.ledger().takenOver.refused, {});
  t.deepEqual(next.spans.map(endsOf), [['192.0.2.7', 80, ...byPeer]]);
});
