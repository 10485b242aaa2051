import test from 'ava';
import { createLocator } from '../../../agent/kubernetes/locator.ts';
import type { KubePod } from '../../../agent/kubernetes/pod-object.ts';
import type { Location, NodePoint } from '../../../agent/pod-directory.ts';
import type { ProcessLink } from '../../../native/capture/types.ts';
import { silent } from '../../functions/host/helpers.ts';

const pod = (uid: string, more: Partial<KubePod> = {}): KubePod => ({
  uid,
  cgroupUid: uid,
  namespace: 'shop',
  name: uid,
  labels: {},
  hostNetwork: false,
  devices: [],
  hugePages: false,
  sandboxed: false,
  ports: [],
  besideSidecar: undefined,
  ...more,
});

/** At its veths, which is the last way of every pod. */
const atVeths = (location: Location | undefined) => location?.at(-1);
const pointsOf = (location: Location | undefined) => atVeths(location)?.points;

const veth = (name: string, ifindex: number): ProcessLink[] => [
  { name: 'lo', kind: '' },
  { name: 'eth0', kind: 'veth', ours: { name, ifindex } },
];

/** A node whose processes and interfaces the test sets; `looked` counts looks at processes and at links. */
function bench() {
  const pids = new Map<string, readonly number[]>();
  const links = new Map<number, readonly ProcessLink[] | 'own'>();
  const interfaces = new Map<string, number>();
  const looked = { processes: 0, links: 0 };
  const cgroups = new Map<string, readonly NodePoint[]>();
  let isBroken = false;
  let nowMs = 0;
  const locator = createLocator({
    processes: {
      find: (uids) => {
        looked.processes += 1;
        if (isBroken) throw new Error('/proc is not there');
        return new Map([...pids].filter(([uid]) => uids.has(uid)));
      },
      isOf: (pid, uid) => pids.get(uid)?.includes(pid) === true,
    },
    cgroups: { find: ({ cgroupUid }) => cgroups.get(cgroupUid) },
    linksOf: (pid) => {
      looked.links += 1;
      return links.get(pid);
    },
    ifindexOf: (name) => interfaces.get(name),
    nowMs: () => nowMs,
    log: silent,
  });
  return {
    locator,
    looked,
    cgroups,
    breakDown: () => {
      isBroken = true;
    },
    /** A pod's process with a veth, whose other end is an interface of the node. */
    run: (uid: string, pid: number, name: string, ifindex: number) => {
      pids.set(uid, [...(pids.get(uid) ?? []), pid]);
      links.set(pid, veth(name, ifindex));
      interfaces.set(name, ifindex);
    },
    helper: (uid: string, pid: number, what: 'own' | 'none') => {
      pids.set(uid, [...(pids.get(uid) ?? []), pid]);
      if (what === 'own') links.set(pid, 'own');
    },
    interfaces,
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** A process whose network has these interfaces. */
    runWith: (uid: string, pid: number, its: readonly ProcessLink[]) => {
      pids.set(uid, [pid]);
      links.set(pid, its);
      for (const { ours } of its) if (ours !== undefined) interfaces.set(ours.name, ours.ifindex);
    },
    kill: (uid: string) => {
      for (const pid of pids.get(uid) ?? []) links.delete(pid);
      pids.delete(uid);
    },
  };
}

test('a pod is found by a process that is in its network, and is looked for once', (t) => {
  const { locator, looked, run, helper } = bench();
  helper('a', 1, 'own');
  helper('a', 2, 'none');
  run('a', 3, 'veth-a', 7);
  const found = [{ points: [{ name: 'veth-a', point: 7 }], unseen: [] }];
  t.deepEqual(locator.locate([pod('a')]).get('a'), found);
  t.deepEqual(locator.locate([pod('a')]).get('a'), found);
  t.deepEqual(looked, { processes: 1, links: 3 });
});

test('a pod without a network yet is missing, and looked for again', (t) => {
  const { locator, looked, run } = bench();
  t.false(locator.locate([pod('a')]).has('a'));
  run('a', 3, 'veth-a', 7);
  t.true(locator.locate([pod('a')]).has('a'));
  t.is(looked.processes, 2);
});

test('an interface that is another one by now is looked for anew', (t) => {
  const { locator, run, interfaces } = bench();
  run('a', 3, 'veth-a', 7);
  locator.locate([pod('a')]);
  // The sandbox was made anew: the same name, another interface.
  run('a', 3, 'veth-a', 9);
  t.deepEqual(pointsOf(locator.locate([pod('a')]).get('a')), [{ name: 'veth-a', point: 9 }]);
  interfaces.delete('veth-a');
  run('a', 3, 'veth-b', 11);
  t.deepEqual(pointsOf(locator.locate([pod('a')]).get('a')), [{ name: 'veth-b', point: 11 }]);
});

test('a mirror of a static pod is found by the name of its cgroup, a pod of the node’s network by nothing', (t) => {
  const { locator, looked, run } = bench();
  run('hash', 3, 'veth-s', 5);
  const mirror = pod('mirror', { cgroupUid: 'hash' });
  t.deepEqual(pointsOf(locator.locate([mirror]).get('mirror')), [{ name: 'veth-s', point: 5 }]);
  const { processes } = looked;
  const host = locator.locate([pod('host', { hostNetwork: true })]).get('host');
  t.deepEqual(pointsOf(host), []);
  t.like(atVeths(host)?.unseen[0], { interface: '*' });
  t.is(looked.processes, processes);
});

test('of thousands of processes that do not tell only some are asked', (t) => {
  const { locator, looked, helper } = bench();
  for (let pid = 1; pid <= 1_000; pid += 1) helper('a', pid, 'own');
  t.false(locator.locate([pod('a')]).has('a'));
  t.true(looked.links < 20);
});

test('what is known stays while processes cannot be looked at', (t) => {
  const { locator, run, breakDown } = bench();
  run('a', 3, 'veth-a', 7);
  locator.locate([pod('a')]);
  breakDown();
  for (const _ of ['first', 'second']) {
    t.deepEqual([...locator.locate([pod('a'), pod('b')]).keys()], ['a']);
  }
});

test('an end of a veth that is moved to the node a moment later is found', (t) => {
  const { locator, runWith, pass } = bench();
  runWith('a', 3, [{ name: 'eth0', kind: 'veth' }]);
  t.like(atVeths(locator.locate([pod('a')]).get('a')), {
    points: [],
    unseen: [{ interface: 'eth0' }],
  });
  runWith('a', 3, veth('veth-a', 7));
  pass(1_000);
  t.deepEqual(atVeths(locator.locate([pod('a')]).get('a')), {
    points: [{ name: 'veth-a', point: 7 }],
    unseen: [],
  });
});

test('an interface that a pod gets while it runs is found within a minute, by the same process', (t) => {
  const { locator, looked, runWith, pass } = bench();
  runWith('a', 3, veth('veth-a', 7));
  for (let second = 0; second < 600; second += 1) {
    locator.locate([pod('a')]);
    pass(1_000);
  }
  t.is(looked.processes, 1);
  t.true(looked.links < 20, `${looked.links} looks in ten minutes`);
  const second: ProcessLink = {
    name: 'net1',
    kind: 'veth',
    ours: { name: 'veth-b', ifindex: 9 },
  };
  runWith('a', 3, [...veth('veth-a', 7), second]);
  pass(60_000);
  t.is(pointsOf(locator.locate([pod('a')]).get('a'))?.length, 2);
});

test('of a thousand pods few are looked at again at one time, and each in its turn', (t) => {
  const { locator, looked, runWith, pass } = bench();
  const pods = Array.from({ length: 1_000 }, (_, at) => pod(`p${at}`));
  for (const [at, { uid }] of pods.entries()) runWith(uid, at + 1, veth(`veth-${at}`, at + 1));
  locator.locate(pods);
  const counts: number[] = [];
  for (let second = 0; second < 600; second += 1) {
    pass(1_000);
    const before = looked.links;
    locator.locate(pods);
    counts.push(looked.links - before);
  }
  t.true(Math.max(...counts) <= 20);
  t.is(looked.processes, 1);
  for (const [at, { uid }] of pods.entries()) {
    runWith(uid, at + 1, [...veth(`veth-${at}`, at + 1), { name: 'net1', kind: 'macvlan' }]);
  }
  for (let second = 0; second < 120; second += 1) {
    pass(1_000);
    locator.locate(pods);
  }
  t.true([...locator.locate(pods).values()].every((ways) => atVeths(ways)?.unseen.length === 1));
});

test('a pod without an interface of the node that has ended is not kept', (t) => {
  const { locator, runWith, kill, pass } = bench();
  runWith('a', 3, [{ name: 'net1', kind: 'macvlan' }]);
  t.true(locator.locate([pod('a')]).has('a'));
  kill('a');
  pass(1_000);
  t.false(locator.locate([pod('a')]).has('a'));
});

test('a pod whose process has ended stays while its interface is there', (t) => {
  const { locator, looked, run, kill, pass } = bench();
  run('a', 3, 'veth-a', 7);
  locator.locate([pod('a')]);
  kill('a');
  pass(1_000);
  t.true(locator.locate([pod('a')]).has('a'));
  t.true(locator.locate([pod('a')]).has('a'));
  t.is(looked.processes, 2);
});

test('a pod is seen at its cgroup, and at its veth where that fails; one of the node’s network at its cgroup alone', (t) => {
  const { locator, runWith, cgroups } = bench();
  const cgroup = { point: '/cgroup/poda', name: 'poda', inode: 5 };
  runWith('a', 3, [...veth('veth-a', 7), { name: 'net1', kind: 'macvlan' }]);
  cgroups.set('a', [cgroup]).set('host', [cgroup]);
  const ways = locator.locate([pod('a')]).get('a');
  t.deepEqual(ways?.[0], { points: [cgroup], unseen: [] });
  t.like(ways?.[1], { points: [{ point: 7 }], unseen: [{ interface: 'net1' }] });
  const host = pod('host', {
    hostNetwork: true,
    devices: ['intel.com/sriov_dpdk'],
    hugePages: true,
  });
  t.like(locator.locate([host]).get('host')?.[0], {
    points: [cgroup],
    unseen: [{ interface: 'intel.com/sriov_dpdk' }],
  });
});

test('a pod whose application has not begun is not there yet, though its sidecar has', (t) => {
  const { locator, run, cgroups } = bench();
  run('a', 3, 'veth-a', 7);
  cgroups.set('a', []);
  t.false(locator.locate([pod('a')]).has('a'));
  cgroups.set('a', [{ point: '/cgroup/poda/app', name: 'poda/app', inode: 6 }]);
  t.true(locator.locate([pod('a')]).has('a'));
});
