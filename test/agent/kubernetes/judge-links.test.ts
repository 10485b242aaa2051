import test from 'ava';
import { judgeLinks as judge } from '../../../agent/kubernetes/judge-links.ts';
import type { ProcessLink } from '../../../native/capture/types.ts';

const judgeLinks = (
  links: readonly ProcessLink[],
  devices: readonly string[] = [],
  hugePages = false,
) => judge(links, { devices, hugePages });

const lo = { name: 'lo', kind: '' };
const eth0 = { name: 'eth0', kind: 'veth', ours: { name: 'cali1', ifindex: 7 } };
const point = { name: 'cali1', point: 7 };

test('the ends of veths on the node are traced, however many there are', (t) => {
  const net1 = { name: 'net1', kind: 'veth', ours: { name: 'veth9', ifindex: 9 } };
  t.deepEqual(judgeLinks([lo, eth0, net1]), {
    interfaces: [point, { name: 'veth9', point: 9 }],
    unseen: [],
    unseenAtSockets: [],
  });
});

test('a pod with nothing but loopback has no network yet', (t) => {
  t.is(judgeLinks([lo]), undefined);
  t.is(judgeLinks([]), undefined);
  t.is(judgeLinks([lo, { name: 'tunl0', kind: 'ipip' }]), undefined, 'every namespace has it');
});

for (const [kind, why] of [
  ['', /handed to the pod, such as an SR-IOV function/],
  ['macvlan', /it is macvlan, not veth/],
  ['ipvlan', /it is ipvlan, not veth/],
  ['netkit', /it is netkit, not veth/],
] as const) {
  test(`an interface of kind "${kind}" is named with the reason, beside one that is traced`, (t) => {
    const judged = judgeLinks([lo, eth0, { name: 'net1', kind }]);
    t.deepEqual(judged?.interfaces, [point]);
    t.deepEqual(judged?.unseenAtSockets, [], 'its packets are those of sockets of the pod');
    t.is(judged?.unseen[0]?.interface, 'net1');
    t.regex(judged?.unseen[0]?.why ?? '', why);
  });
}

test('a veth that leads elsewhere is named only where it is the way out', (t) => {
  const nested = { name: 'veth1', kind: 'veth' };
  t.deepEqual(judgeLinks([lo, eth0, nested])?.unseen, []);
  t.deepEqual(judgeLinks([lo, nested]), {
    interfaces: [],
    unseen: [{ interface: 'veth1', why: "its other end is not in the node's network namespace" }],
    unseenAtSockets: [],
  });
});

test('tunnels and bridges in a pod are not named: their packets pass by another interface', (t) => {
  const inner = ['bridge', 'tun', 'vxlan', 'wireguard'].map((kind) => ({ name: kind, kind }));
  t.deepEqual(judgeLinks([lo, eth0, ...inner])?.unseen, []);
});

test('a device with an XDP program is told by it', (t) => {
  const net1 = { name: 'net1', kind: '', xdp: true } as const;
  const why = 'it is a device handed to the pod, with an XDP program (AF_XDP) on it';
  const judged = judgeLinks([lo, eth0, net1]);
  t.deepEqual(judged?.unseen, [{ interface: 'net1', why }]);
  t.deepEqual(judged?.unseenAtSockets, [{ interface: 'net1', why }]);
});

test('a veth is traced and named where an XDP program is on its end at the node, not on its own', (t) => {
  const ours = { ...eth0.ours, xdp: true } as const;
  const judged = judgeLinks([lo, { ...eth0, ours }]);
  t.deepEqual(judged?.interfaces, [point]);
  t.deepEqual(judged?.unseenAtSockets, []);
  t.regex(judged?.unseen[0]?.why ?? '', /^an XDP program on the node's end of it, cali1, may take/);
  t.deepEqual(judgeLinks([lo, { ...eth0, xdp: true }])?.unseen, []);
});

test('a device that is no interface is named as the pod asks for it', (t) => {
  const [device, why] = ['intel.com/vfs', /^the pod has it and huge pages, as DPDK needs/];
  const sole = judgeLinks([lo, eth0], [device])?.unseen;
  t.like(sole, [{ interface: device }]);
  t.regex(sole?.[0]?.why ?? '', /^it is a device handed to the pod/);
  // The kernel drives it: it is the interface that is named.
  const net1 = { name: 'net1', kind: '' };
  t.like(judgeLinks([lo, eth0, net1], [device])?.unseen, [{ interface: 'net1' }]);
  const dpdk = judgeLinks([lo, eth0, net1], [device], true)?.unseen;
  t.like(dpdk, [{ interface: 'net1' }, { interface: device }]);
  t.regex(dpdk?.[1]?.why ?? '', why);
});
