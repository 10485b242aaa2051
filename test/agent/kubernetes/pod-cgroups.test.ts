import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  cgroupRoots,
  podCgroups,
  type PodCgroupsOf,
} from '../../../agent/kubernetes/pod-cgroups.ts';

const uid = '5c7d1f0a-2222-4333-8444-0123456789ab';
const other = '5c7d1f0a-2222-4333-8444-0123456789ac';
const id = 'f00d'.repeat(16);

const pod = (more: Partial<PodCgroupsOf> = {}): PodCgroupsOf => ({
  cgroupUid: uid,
  sandboxed: false,
  besideSidecar: undefined,
  ...more,
});

/** Folders as those of cgroups, and a clock. */
function makeTree(t: ExecutionContext, ...folders: readonly string[]) {
  const root = mkdtempSync(join(tmpdir(), 'clover-cgroups-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const make = (folder: string): string => {
    mkdirSync(join(root, folder), { recursive: true });
    return join(root, folder);
  };
  for (const folder of folders) make(folder);
  const clock = { ms: 0 };
  const cgroups = podCgroups({ roots: [join(root, 'none'), root], nowMs: () => clock.ms });
  const namesOf = (of: PodCgroupsOf) => cgroups.find(of)?.map(({ name }) => name);
  return { root, make, clock, cgroups, namesOf };
}

const systemd = `kubelet.slice/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${uid.replaceAll('-', '_')}.slice`;

for (const folder of [`kubepods/burstable/pod${uid}`, `kubepods/pod${uid}`, systemd]) {
  test(`a pod is found at ${folder}, with all of its containers`, (t) => {
    const { root, namesOf, cgroups } = makeTree(t, 'system.slice/a.service', `${folder}/${id}`);
    t.deepEqual(namesOf(pod()), [folder]);
    t.is(cgroups.find(pod())?.[0]?.point, join(root, folder));
  });
}

for (const name of [id, `cri-containerd-${id}.scope`, `crio-${id}.scope`, `docker-${id}.scope`]) {
  test(`beside a sidecar a container is found at ${name}`, (t) => {
    const folder = `kubepods/pod${uid}`;
    const { namesOf } = makeTree(
      t,
      `${folder}/${name}`,
      `${folder}/crio-conmon-${id}.scope`,
      `${folder}/${'beef'.repeat(16)}`,
    );
    t.deepEqual(namesOf(pod({ besideSidecar: [id] })), [`${folder}/${name}`]);
    t.deepEqual(namesOf(pod({ besideSidecar: [] })), [], 'it has not begun');
    t.is(namesOf(pod({ besideSidecar: ['unknown'] })), undefined);
  });
}

test('a container that starts anew is found at its new cgroup', (t) => {
  const folder = `kubepods/pod${uid}`;
  const { root, make, namesOf } = makeTree(t, `${folder}/${id}`);
  t.deepEqual(namesOf(pod({ besideSidecar: [id] })), [`${folder}/${id}`]);
  rmSync(join(root, folder, id), { recursive: true });
  make(`${folder}/next`);
  t.deepEqual(namesOf(pod({ besideSidecar: ['next'] })), [`${folder}/next`]);
});

test('a pod that is made anew in the same folder is another one', (t) => {
  const { root, make, cgroups } = makeTree(t, `kubepods/pod${uid}`, 'kubepods/kept');
  const before = cgroups.find(pod())?.[0];
  rmSync(join(root, `kubepods/pod${uid}`), { recursive: true });
  // Else a file system may give the number at once again.
  make('kubepods/between');
  make(`kubepods/pod${uid}`);
  const after = cgroups.find(pod())?.[0];
  t.is(after?.point, before?.point);
  t.not(after?.inode, before?.inode);
});

test('a sandbox has no sockets of the node, and a pod without a cgroup none to be found', (t) => {
  const { namesOf, make, clock } = makeTree(t, `kubepods/pod${uid}`);
  t.is(namesOf(pod({ sandboxed: true })), undefined);
  t.is(namesOf(pod({ cgroupUid: other })), undefined);
  // Where no pod was before: another search is due a while later.
  make(`kubepods/besteffort/pod${other}`);
  t.is(namesOf(pod({ cgroupUid: other })), undefined);
  clock.ms += 5_000;
  t.deepEqual(namesOf(pod({ cgroupUid: other })), [`kubepods/besteffort/pod${other}`]);
});

test('a new pod beside others is found at once', (t) => {
  const { namesOf, make } = makeTree(t, `kubepods/pod${uid}`);
  t.deepEqual(namesOf(pod()), [`kubepods/pod${uid}`]);
  make(`kubepods/pod${other}`);
  t.deepEqual(namesOf(pod({ cgroupUid: other })), [`kubepods/pod${other}`]);
});

test('every mount of cgroup v2 is looked at, that of the hybrid layout too', (t) => {
  const mounts = `tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
cgroup2 /host/cgroup cgroup2 ro 0 0
`;
  t.deepEqual(cgroupRoots(mounts), ['/sys/fs/cgroup/unified', '/host/cgroup']);
});
