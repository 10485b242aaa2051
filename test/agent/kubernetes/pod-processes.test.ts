import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { podPlaces, podProcesses } from '../../../agent/kubernetes/pod-processes.ts';

const uid = '0f3c1a52-9d41-4c6e-8a57-2b1f8f5f9a10';
const other = '7d7c3c0e-1111-4222-8333-944444444444';
const underscores = uid.replaceAll('-', '_');
const container = '3b9d6bcdbbfd4b2d9b5dab8dfbbd4bed3b9d6bcdbbfd4b2d9b5dab8dfbbd4bed';
const mirror = '5f1c6c4b6b1d4f0f9f2b7b7c1d2e3f40';

for (const [what, text, expected] of [
  [
    'v2 with systemd',
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${underscores}.slice/cri-containerd-${container}.scope`,
    { uid, depth: 1 },
  ],
  [
    'v2 with systemd, guaranteed',
    `0::/kubepods.slice/kubepods-pod${underscores}.slice/crio-${container}.scope`,
    { uid, depth: 1 },
  ],
  ['v2 with cgroupfs', `0::/kubepods/besteffort/pod${uid}/${container}`, { uid, depth: 1 }],
  ['a root of its own', `0::/testbed-n1/kubepods/pod${uid}/${container}`, { uid, depth: 1 }],
  [
    'v1 with cgroupfs',
    `9:name=systemd:/kubepods/burstable/pod${uid}/${container}\n8:pids:/kubepods/burstable/pod${uid}/${container}\n0::/`,
    { uid, depth: 1 },
  ],
  [
    'v1 with systemd',
    `4:memory:/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${underscores}.slice/docker-${container}.scope\n0::/`,
    { uid, depth: 1 },
  ],
  [
    'as a process with a cgroup namespace of its own sees it',
    `0::/../../kubepods-burstable-pod${underscores}.slice/cri-containerd-${container}.scope`,
    { uid, depth: 1 },
  ],
  ['a sibling in the same slice', `0::/../../pod${uid}/${container}`, { uid, depth: 1 }],
  [
    'what a container makes itself',
    `0::/kubepods/pod${uid}/${container}/init.scope/inner`,
    { uid, depth: 3 },
  ],
  ['a static pod', `0::/kubepods/burstable/pod${mirror}/${container}`, { uid: mirror, depth: 1 }],
] as const) {
  test(`the cgroups of a pod: ${what}`, (t) => {
    t.deepEqual(podPlaces(`${text}\n`), [expected]);
  });
}

test('cgroups of no pod are none', (t) => {
  for (const path of [
    '/',
    '/system.slice/containerd.service',
    '/kubepods.slice/kubepods-burstable.slice',
    `/libpod-${container}.scope`,
    `/podman/${uid}`,
    `/kubepods/pod${uid}x/${container}`,
  ]) {
    t.deepEqual(podPlaces(`0::${path}\n`), [], path);
  }
});

test('a kubelet in a pod has pods of its own: a process is found by the inner and the outer one', (t) => {
  t.deepEqual(
    podPlaces(`0::/kubepods/pod${other}/${container}/kubepods/pod${uid}/${container}\n`),
    [
      { uid: other, depth: 4 },
      { uid, depth: 1 },
    ],
  );
});

const makeProc = async (
  t: ExecutionContext,
  processes: Record<string, string>,
): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'clover-proc-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'self'));
  for (const [pid, path] of Object.entries(processes)) {
    await mkdir(join(folder, pid));
    await writeFile(join(folder, pid, 'cgroup'), `0::${path}\n`);
  }
  return folder;
};

test('the sandbox comes before containers, and these before what they make', async (t) => {
  const folder = await makeProc(t, {
    9: `/kubepods/pod${uid}/${container}/inner`,
    300: `/kubepods/pod${uid}/app`,
    20: `/kubepods/pod${uid}/sandbox`,
    21: `/kubepods/pod${other}/sandbox`,
    1: '/init.scope',
  });
  const processes = podProcesses(folder);
  t.deepEqual([...processes.find(new Set([uid]))], [[uid, [20, 300, 9]]]);
  t.true(processes.isOf(20, uid));
  t.false(processes.isOf(21, uid));
  t.false(processes.isOf(22, uid), 'no such process');
});
