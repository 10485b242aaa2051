import test from 'ava';
import { networkFindings } from '../../../cloverctl/doctor/network-findings.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { KubeClient } from '../../../functions/resources/kubernetes/client.ts';

/** An API server that has one object, by the end of its path. */
const serverWith = (end: string, object: object): KubeClient => ({
  async call({ path }) {
    if (path.endsWith(end)) return object;
    throw new CloverError('CLV_NOT_FOUND', path);
  },
  lines: () => {
    throw new Error('nothing is watched');
  },
});

const cilium = (data?: Readonly<Record<string, string>>): KubeClient =>
  serverWith('/configmaps/cilium-config', { data });

const calico = (spec?: object): KubeClient =>
  serverWith('/crd.projectcalico.org/v1/felixconfigurations/default', { spec });

const atCgroup = { kind: 'cgroup' };
const atVeth = { kind: 'tcx' };

for (const [title, client, state, found] of [
  ['Cilium as it comes', cilium(), 'doubtful', /eBPF host routing/],
  [
    'Cilium with netkit',
    cilium({ 'datapath-mode': 'netkit' }),
    'doubtful',
    /netkit in place of veths/,
  ],
  [
    'Cilium by the kernel',
    cilium({ 'enable-host-legacy-routing': 'true' }),
    'good',
    /the routing of the kernel/,
  ],
  ['Calico as it comes', calico(), 'good', /^Calico$/],
  ['Calico with eBPF', calico({ bpfEnabled: true }), 'doubtful', /bpfEnabled/],
  [
    'Calico without redirection',
    calico({ bpfEnabled: true, bpfRedirectToPeer: 'Disabled' }),
    'good',
    /redirects nothing/,
  ],
  [
    'Calico of the other group',
    serverWith('/projectcalico.org/v3/felixconfigurations/default', { spec: { bpfEnabled: true } }),
    'doubtful',
    /bpfEnabled/,
  ],
] as const) {
  test(`${title} is told as ${state} where a pod is seen at its veth, and else as good`, async (t) => {
    const [finding, ...others] = await networkFindings(client, [atCgroup, atVeth]);
    t.deepEqual(others, []);
    t.is(finding?.state, state);
    t.regex(finding?.found ?? '', found);
    t.is(finding?.fix === undefined, state === 'good');
    for (const points of [[], [atCgroup]]) {
      const [elsewhere] = await networkFindings(client, points);
      t.is(elsewhere?.state, 'good');
      t.regex(elsewhere?.found ?? '', state === 'good' ? found : /hides nothing at the cgroups/);
      t.is(elsewhere?.fix, undefined);
    }
  });
}

test('of another plug-in, and to who may not look, nothing is told', async (t) => {
  t.deepEqual(await networkFindings(serverWith('/none', {}), [atVeth]), []);
  const refusing = {
    ...cilium(),
    call: () => Promise.reject(new CloverError('CLV_KUBERNETES_FORBIDDEN', 'no')),
  };
  t.deepEqual(await networkFindings(refusing, [atVeth]), []);
});
