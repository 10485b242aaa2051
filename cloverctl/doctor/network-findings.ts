import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { readable } from '../installation/live-object.ts';
import type { CapturePoint } from './agent-ledger.ts';
import type { Finding } from './finding.ts';

const check = 'network plug-in';

/** https://docs.cilium.io/en/stable/operations/performance/tuning/#ebpf-host-routing */
const ciliumConfig = z.object({
  data: z
    .object({
      'datapath-mode': z.string().default('veth'),
      'enable-host-legacy-routing': z.string().default('false'),
    })
    .prefault({}),
});

/** https://docs.tigera.io/calico/latest/reference/resources/felixconfig */
const felixConfiguration = z.object({
  spec: z
    .object({ bpfEnabled: z.boolean().default(false), bpfRedirectToPeer: z.string().optional() })
    .prefault({}),
});

const cilium = '/api/v1/namespaces/kube-system/configmaps/cilium-config';
const calico = [
  '/apis/crd.projectcalico.org/v1/felixconfigurations/default',
  '/apis/projectcalico.org/v3/felixconfigurations/default',
];

/** What a plug-in does, and what helps where that hides something. */
interface Judged {
  readonly found: string;
  readonly fix?: string;
}

/**
 * Plug-ins that are set to hand packets past the veths of pods, which matters where agents see pods there; nothing of those that are
 * not known, or may not be seen.
 * @param points where agents see pods.
 */
export async function networkFindings(
  client: KubeClient,
  points: readonly Pick<CapturePoint, 'kind'>[],
): Promise<readonly Finding[]> {
  const judged = await plugIn((path) => readable(client.call({ method: 'GET', path })));
  if (judged === undefined) return [];
  const { found, fix } = judged;
  if (fix === undefined) return [{ check, state: 'good', found }];
  if (points.some(({ kind }) => kind !== 'cgroup'))
    return [{ check, state: 'doubtful', found, fix }];
  const all = `${found}, which hides nothing at the cgroups of pods`;
  return [{ check, state: 'good', found: all }];
}

async function plugIn(get: (path: string) => Promise<unknown>): Promise<Judged | undefined> {
  const config = await get(cilium);
  if (config !== undefined) return ofCilium(ciliumConfig.parse(config).data);
  for (const path of calico) {
    const felix = await get(path);
    if (felix !== undefined) return ofCalico(felixConfiguration.parse(felix).spec);
  }
  return undefined;
}

function ofCilium(data: z.output<typeof ciliumConfig>['data']): Judged {
  if (data['datapath-mode'] !== 'veth') {
    const found = `Cilium, with ${data['datapath-mode']} in place of veths`;
    return { found, fix: 'nodes with cgroups v2, or datapath-mode veth' };
  }
  if (data['enable-host-legacy-routing'] === 'true') {
    return { found: 'Cilium, by the routing of the kernel' };
  }
  const found = 'Cilium, which may hand packets past the veths of pods (eBPF host routing)';
  const fix = 'where pods are named as seen in one direction alone: set enable-host-legacy-routing';
  return { found, fix };
}

function ofCalico(spec: z.output<typeof felixConfiguration>['spec']): Judged {
  if (!spec.bpfEnabled) return { found: 'Calico' };
  if (spec.bpfRedirectToPeer === 'Disabled') {
    return { found: 'Calico, with eBPF that redirects nothing to pods' };
  }
  const found = 'Calico, which may hand packets past the veths of pods (bpfEnabled)';
  const fix =
    'where pods are named as seen in one direction alone: set bpfRedirectToPeer to Disabled';
  return { found, fix };
}
