import { z } from 'zod';
import type { KubernetesObject } from '../../../knative/render/kubernetes-object.ts';
import { renderInstallation } from '../../../knative/render/render-installation.ts';
import { installationOf, type InstallationInput } from './installations.ts';

const container = z.looseObject({
  name: z.string(),
  ports: z.array(z.looseObject({ containerPort: z.int() })).default([]),
  securityContext: z.unknown(),
});
const workload = z.looseObject({
  template: z.looseObject({
    metadata: z.object({ labels: z.record(z.string(), z.string()) }),
    spec: z.looseObject({
      hostNetwork: z.literal(true).optional(),
      initContainers: z.array(container).default([]),
      containers: z.array(container),
    }),
  }),
});

/** The specification of what makes pods. */
export type Workload = z.output<typeof workload>;

/** Everything of both forms of an installation: functions on Knative, and all of them in one process. */
export function bothForms(
  changes: Partial<InstallationInput> = {},
): readonly (readonly [form: string, objects: readonly KubernetesObject[]])[] {
  const tokens = { callers: 'a-token-for-the-tests', agents: 'a-token-for-the-agents' };
  return [
    ['on Knative', renderInstallation(installationOf(changes))],
    ['in one process', renderInstallation(installationOf({ ...changes, knative: false }), tokens)],
  ];
}

/** What makes pods by itself, by kind and name; a Service of Knative does, too. */
export function workloadsOf(objects: readonly KubernetesObject[]): Map<string, Workload> {
  return new Map(
    objects.flatMap((object) => {
      const { success, data } = workload.safeParse('spec' in object ? object.spec : undefined);
      return success ? [[`${object.kind} ${object.metadata.name}`, data]] : [];
    }),
  );
}
