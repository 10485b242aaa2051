import test from 'ava';
import { z } from 'zod';
import { bothForms, workloadsOf } from './workloads.ts';
import type { KubernetesObject } from '../../../knative/render/kubernetes-object.ts';

const policy = z.object({
  kind: z.literal('NetworkPolicy'),
  spec: z.strictObject({
    podSelector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
    policyTypes: z.tuple([z.literal('Ingress')]),
    ingress: z.tuple([
      z.strictObject({
        ports: z.array(z.strictObject({ protocol: z.literal('TCP'), port: z.int() })),
      }),
    ]),
  }),
});

const policiesOf = (objects: readonly KubernetesObject[]) =>
  objects.flatMap((object) => policy.safeParse(object).data?.spec ?? []);

/** What clients of a function reach in its pod: not the function itself, and not where who asks starts a drain. */
const ofQueueProxy = [8012, 8013, 8112, 9090, 9091];

for (const [form, objects] of bothForms()) {
  test(`${form} each pod is reached at the ports that it has, and at no other`, (t) => {
    const policies = policiesOf(objects);
    const used = new Set<object>();
    for (const [title, { template }] of workloadsOf(objects)) {
      const { labels } = template.metadata;
      const own = policies.filter(({ podSelector }) =>
        Object.entries(podSelector.matchLabels).every(([name, value]) => labels[name] === value),
      );
      for (const one of own) used.add(one);
      const open = own.flatMap(({ ingress: [{ ports }] }) => ports.map(({ port }) => port));
      const { containers, hostNetwork } = template.spec;
      const ports = containers.flatMap((one) =>
        one.ports.map(({ containerPort }) => containerPort),
      );
      t.deepEqual(open, title.startsWith('Service ') ? ofQueueProxy : ports, title);
      // No NetworkPolicy holds of a pod in the network of its node.
      t.is(own.length, hostNetwork === true ? 0 : 1, title);
    }
    t.is(used.size, policies.length);
    t.is(policies.length, 2);
  });
}

const numbers = (changes: Parameters<typeof bothForms>[0]): readonly number[] =>
  bothForms(changes).map(([, objects]) => policiesOf(objects).length);

test('where no NetworkPolicy is wished there is none; without the webhook there is none of it', (t) => {
  t.deepEqual(numbers({ networkPolicies: false }), [0, 0]);
  t.deepEqual(numbers({ admission: { enabled: false } }), [1, 1]);
});
