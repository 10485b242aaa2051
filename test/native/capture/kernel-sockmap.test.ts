import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

import test, { type ExecutionContext } from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import { noSockets, socketsOf } from './closed-sockets.ts';
import { pod } from './conversation.ts';
import { bpftool, withForeignPrograms } from './foreign-program.ts';
import { startTestbed, type Testbed } from './testbed.ts';

/** What is sent on a connection within the cgroup goes straight to its other socket, past TCP. */
const shortcut = `
#include <bpf/bpf_endian.h>
struct ends { __u32 own, peer; };
struct {
  __uint(type, BPF_MAP_TYPE_SOCKHASH);
  __uint(max_entries, 64);
  __type(key, struct ends);
  __type(value, int);
} sockets SEC(".maps");

SEC("sockops") int enter(struct bpf_sock_ops *ops)
{
  if (ops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB && ops->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) return 1;
  struct ends ends = {ops->local_port, bpf_ntohl(ops->remote_port)};
  bpf_sock_hash_update(ops, &sockets, &ends, BPF_ANY);
  return 1;
}

SEC("sk_msg") int pass_on(struct sk_msg_md *message)
{
  struct ends other = {bpf_ntohl(message->remote_port), message->local_port};
  return bpf_msg_redirect_hash(message, &sockets, &other, BPF_F_INGRESS);
}
`;

function takeShortcuts(t: ExecutionContext, bed: Testbed): void {
  const pins = `/sys/fs/bpf/${bed.namespace}`;
  t.teardown(() => rmSync(pins, { recursive: true, force: true }));
  withForeignPrograms(shortcut, (object) => {
    bpftool('prog', 'loadall', object, pins, 'pinmaps', pins);
  });
  bpftool(
    'prog',
    'attach',
    'pinned',
    `${pins}/pass_on`,
    'msg_verdict',
    'pinned',
    `${pins}/sockets`,
  );
  bpftool('cgroup', 'attach', bed.cgroup, 'sock_ops', 'pinned', `${pins}/enter`, 'multi');
}

const conversation = `
import { connect, createServer } from 'node:net';
const server = createServer((socket) => socket.on('data', () => socket.end('b'.repeat(2000))));
server.listen(9000, '127.0.0.1', () => {
  const socket = connect(9000, '127.0.0.1', () => socket.write('a'.repeat(1000)));
  let got = 0;
  socket.on('data', (data) => (got += data.length)).on('end', () => console.log(got));
});
`;

test('what a sockmap hands from socket to socket shows in no count of TCP: nobody sees it', async (t) => {
  const bed = await startTestbed();
  t.teardown(() => bed[Symbol.dispose]());
  execFileSync('ip', ['-n', bed.namespace, 'link', 'set', 'lo', 'up']);
  const capture = createCapture({ boot: '8899aabbccddeeff', onBatch: () => {} });
  t.teardown(() => capture.close());
  capture.attach(bed.cgroup, pod);
  takeShortcuts(t, bed);
  await bed.run(conversation);
  t.deepEqual(await socketsOf(capture, 2), { ...noSockets, compared: 2 });
  t.is(capture.ledger().wire.payloadBytes, 0);
});
