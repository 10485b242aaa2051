import { eventTypes, resourceChanges } from '../../../knative/events.ts';
import { on } from '../../../functions/host/event-handler.ts';
import { withOwnTicks } from '../../../functions/host/own-ticks.ts';
import type { KubeClient } from '../../../functions/resources/kubernetes/client.ts';
import { apiOfFile, makeNamespace } from '../../cluster/api-of-file.ts';
import { applyEach } from '../../cluster/crds.ts';
import { eventOf, handle } from './helpers.ts';

const test = await apiOfFile();

const namespace = 'ticks';
const source = `/apis/sources.knative.dev/v1/namespaces/${namespace}/pingsources/judge-look`;

/** A kind of Knative's as far as an API server keeps its objects. */
const definitionOf = (group: string, kind: string) => {
  const plural = `${kind.toLowerCase()}s`;
  const schema = {
    openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
};

const setFinalizers = (client: KubeClient, finalizers: readonly string[]): Promise<unknown> =>
  client.call({
    method: 'PATCH',
    path: source,
    contentType: 'application/merge-patch+json',
    body: { metadata: { finalizers } },
  });

test('ticks that start while the finalizer of the last PingSource is at work do start', async (t, {
  client,
}) => {
  await makeNamespace(client, namespace);
  await applyEach(client, [
    definitionOf('sources.knative.dev', 'PingSource'),
    definitionOf('serving.knative.dev', 'Service'),
  ]);
  await client.call({
    method: 'POST',
    path: `/apis/serving.knative.dev/v1/namespaces/${namespace}/services`,
    body: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata: { name: 'judge' } },
  });

  let active = true;
  let waits = 0;
  const sleep = async (): Promise<void> => {
    waits += 1;
    // Knative's controller is done with it.
    await setFinalizers(client, []);
  };
  const ticking = withOwnTicks(
    {
      name: 'judge',
      handlers: [on(resourceChanges.updated, async () => undefined)],
      isActive: async () => active,
    },
    {
      client,
      namespace,
      schedules: [{ name: 'judge-look', schedule: '* * * * * *' }],
      clock: { sleep },
    },
  );
  const changed = async (): Promise<void> => {
    const data = {
      apiVersion: 'clover.dev/v1alpha1',
      kind: 'Experiment',
      namespace: 'shop',
      name: 'shift',
      uid: 'u-2',
      resourceVersion: '7',
    };
    const event = { type: eventTypes.resourceUpdated, source: '/apiserver' };
    await handle(ticking, eventOf({ ...event, data: Buffer.from(JSON.stringify(data)) }));
  };

  await changed();
  await setFinalizers(client, ['pingsources.sources.knative.dev']);
  active = false;
  await changed();
  active = true;
  await changed();
  t.is(waits, 1);
  const found = JSON.stringify(await client.call({ method: 'GET', path: source }));
  t.notRegex(found, /deletionTimestamp|finalizers/);
});
