import test from 'ava';
import { z } from 'zod';
import { agentObjects } from '../../../../knative/render/agent/objects.ts';
import { installationOf, type InstallationInput } from '../installations.ts';

const daemonSet = z.object({
  kind: z.literal('DaemonSet'),
  spec: z.object({
    template: z.object({ spec: z.object({ nodeSelector: z.record(z.string(), z.string()) }) }),
  }),
});

const nodesOf = (changes: Partial<InstallationInput> = {}) => {
  const [set] = agentObjects(installationOf(changes)).flatMap(
    (object) => daemonSet.safeParse(object).data ?? [],
  );
  return set?.spec.template.spec.nodeSelector;
};

test('agents are on nodes with Linux alone, though they bear all taints, and on those that are asked for', (t) => {
  const os = { 'kubernetes.io/os': 'linux' };
  t.deepEqual(nodesOf(), os);
  t.deepEqual(nodesOf({ agent: { nodeSelector: { pool: 'edge' } } }), { ...os, pool: 'edge' });
});
