import { toRfc3339 } from '../../functions/lib/rfc3339.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { createKubernetesStore } from '../../functions/resources/kubernetes/kubernetes-store.ts';
import { ofKind } from '../../functions/resources/stored-resource.ts';
import type { ResourceStore } from '../../functions/resources/store.ts';
import { makeNamespace } from '../cluster/api-of-file.ts';
import { examples } from '../functions/resources/examples.ts';

const by = { manager: 'test' };

/** Status of the story's experiment. */
export const inTheMiddle = { phase: 'Running', step: '2/2', weight: 50, run: 'try-v2-1' } as const;

/** An experiment in the middle of its second step, its run of 26 hours, the policy and a Tap, in the namespace `shop`. */
export async function makeStory(client: KubeClient): Promise<ResourceStore> {
  await makeNamespace(client, 'shop');
  const store = createKubernetesStore(client);
  const { metadata, spec } = examples.Experiment;
  for (const kind of ['TrafficPolicy', 'Tap'] as const) {
    await store.applySpec(
      { kind, metadata: examples[kind].metadata, spec: examples[kind].spec },
      by,
    );
  }
  const experiment = await store.applySpec({ kind: 'Experiment', metadata, spec }, by);
  await store.patchStatus<'Experiment'>(ofKind('Experiment', experiment), inTheMiddle);
  const run = await store.applySpec(
    {
      kind: 'ExperimentRun',
      metadata: { name: inTheMiddle.run, namespace: 'shop' },
      spec: { experiment: { name: metadata.name, uid: 'u', generation: 1 }, plan: spec },
    },
    by,
  );
  const startedAt = toRfc3339(Date.now() - 26.5 * 3_600_000);
  await store.patchStatus(ofKind('ExperimentRun', run), { phase: 'Running', startedAt });
  return store;
}
