import test from 'ava';
import { z } from 'zod';
import { admissionObjects } from '../../../knative/render/admission/objects.ts';
import { installationOf, type InstallationInput } from './installations.ts';

const policy = z.object({
  kind: z.literal('NetworkPolicy'),
  spec: z.object({
    podSelector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    policyTypes: z.tuple([z.literal('Ingress')]),
    ingress: z.array(
      z.object({ ports: z.array(z.object({ protocol: z.string(), port: z.int() })) }),
    ),
  }),
});
const deployment = z.object({
  kind: z.literal('Deployment'),
  spec: z.object({
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        containers: z.tuple([z.object({ ports: z.tuple([z.object({ containerPort: z.int() })]) })]),
      }),
    }),
  }),
});

const partsOf = (changes: Partial<InstallationInput>) => {
  const objects = admissionObjects(installationOf(changes));
  return {
    policies: objects.flatMap((object) => policy.safeParse(object).data ?? []),
    pods: objects.flatMap((object) => deployment.safeParse(object).data ?? []),
  };
};

test('of the webhook only its port is reached', (t) => {
  const { policies, pods } = partsOf({});
  t.is(policies.length, 1);
  const [only] = policies;
  const [pod] = pods;
  t.like(pod?.spec.template.metadata.labels, only?.spec.podSelector.matchLabels ?? {});
  const [{ containerPort: port } = { containerPort: 0 }] =
    pod?.spec.template.spec.containers[0].ports ?? [];
  t.deepEqual(only?.spec.ingress, [{ ports: [{ protocol: 'TCP', port }] }]);
});

test('where no NetworkPolicy is wished the webhook has none, nor where it is switched off', (t) => {
  t.deepEqual(partsOf({ networkPolicies: false }).policies, []);
  t.deepEqual(partsOf({ admission: { enabled: false } }), { policies: [], pods: [] });
});
