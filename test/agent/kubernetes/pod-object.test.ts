import test from 'ava';
import { readPod } from '../../../agent/kubernetes/pod-object.ts';

const metadata = { uid: 'u-1', namespace: 'shop', name: 'web' };

const cgroupOf = (annotations: Readonly<Record<string, string>>): string | undefined =>
  readPod({ metadata: { ...metadata, annotations }, spec: {} })?.cgroupUid;

test('of a pod is kept what its traffic is told by', (t) => {
  const labels = { app: 'web' };
  t.deepEqual(
    readPod({ metadata: { ...metadata, labels }, spec: {}, status: { phase: 'Running' } }),
    {
      ...metadata,
      labels,
      hostNetwork: false,
      devices: [],
      hugePages: false,
      cgroupUid: 'u-1',
      sandboxed: false,
      ports: [],
      besideSidecar: undefined,
    },
  );
  // So it is before a kubelet has looked at it.
  t.like(readPod({ metadata, spec: { hostNetwork: true } }), { labels: {}, hostNetwork: true });
});

test('a pod that has ended counts as gone, and a mirror names the cgroup of its static pod', (t) => {
  for (const phase of ['Succeeded', 'Failed']) {
    t.is(readPod({ metadata, spec: {}, status: { phase } }), undefined);
  }
  const hash = '0123456789abcdef0123456789abcdef';
  t.is(cgroupOf({ 'kubernetes.io/config.hash': hash, 'kubernetes.io/config.mirror': hash }), hash);
});

test('nobody has the cgroup of another pod looked at by an annotation', (t) => {
  const victim = '5fa2c75e-d40f-40ac-8a35-061b9c6d6e15';
  const hash = '0123456789abcdef0123456789abcdef';
  for (const annotations of [
    { 'kubernetes.io/config.hash': victim },
    { 'kubernetes.io/config.hash': victim, 'kubernetes.io/config.mirror': victim },
    { 'kubernetes.io/config.hash': hash },
    { 'kubernetes.io/config.hash': hash, 'kubernetes.io/config.mirror': '' },
  ]) {
    t.is(cgroupOf(annotations), 'u-1');
  }
});

/** A container of such limits. */
const asking = (...resources: readonly string[]): object => ({
  resources: { limits: Object.fromEntries(resources.map((name) => [name, '1'])) },
});

test('devices of a network that a pod asks for are kept, and whether it has huge pages', (t) => {
  const spec = {
    containers: [
      asking('cpu', 'intel.com/sriov_dpdk', 'hugepages-2Mi'),
      asking('nvidia.com/gpu', 'gpu.intel.com/i915'),
      { name: 'without resources' },
    ],
    initContainers: [asking('intel.com/sriov_dpdk', 'rdma/hca')],
  };
  t.like(readPod({ metadata, spec }), {
    devices: ['intel.com/sriov_dpdk', 'rdma/hca'],
    hugePages: true,
  });
  const plain = { containers: [asking('memory', 'nvidia.com/gpu')] };
  t.like(readPod({ metadata, spec: plain }), { devices: [], hugePages: false });
});

/** A pod with containers of these names, of which each has an id. */
const withContainers = (...names: readonly string[]) => ({
  metadata,
  spec: { containers: names.map((name) => ({ name })) },
  status: {
    containerStatuses: names.map((name) => ({ name, containerID: `containerd://id-${name}` })),
  },
});

test('beside a sidecar its containers are told one by one, as soon as they have an id', (t) => {
  t.deepEqual(readPod(withContainers('app', 'istio-proxy'))?.besideSidecar, ['id-app']);
  t.deepEqual(readPod(withContainers('app', 'log', 'queue-proxy'))?.besideSidecar, [
    'id-app',
    'id-log',
  ]);
  const { spec } = withContainers('app', 'linkerd-proxy');
  t.deepEqual(readPod({ metadata, spec })?.besideSidecar, []);
  const native = { ...withContainers('app') };
  const initContainers = [{ name: 'istio-proxy' }];
  t.deepEqual(readPod({ ...native, spec: { ...native.spec, initContainers } })?.besideSidecar, [
    'id-app',
  ]);
});

test('a pod of several containers without a proxy is seen as one, and so is a gateway', (t) => {
  for (const names of [['app', 'log'], ['istio-proxy']]) {
    t.is(readPod(withContainers(...names))?.besideSidecar, undefined);
  }
});

test('a pod of another runtime is told', (t) => {
  t.true(readPod({ metadata, spec: { runtimeClassName: 'kata' } })?.sandboxed);
});

test('what is no pod is refused', (t) => {
  for (const strange of [undefined, {}, { metadata: { uid: 'u' }, spec: {} }, { metadata }]) {
    t.throws(() => readPod(strange));
  }
});
