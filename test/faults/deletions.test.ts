import { customResourceDefinition } from '../../knative/crd.ts';
import { apiOfFile, makeNamespace } from '../cluster/api-of-file.ts';
import { applyDefinitions } from '../cluster/crds.ts';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { applyExperiment, applyPolicy, openStand, serveStand, until } from './stand.ts';

const apiTest = await apiOfFile();

async function isGone(client: KubeClient, path: string): Promise<boolean> {
  try {
    await client.call({ method: 'GET', path });
    return false;
  } catch (error) {
    return error instanceof CloverError && error.code === 'CLV_NOT_FOUND';
  }
}

apiTest(
  'a namespace that is deleted with a running experiment goes, and its traffic with it',
  async (t, { client }) => {
    t.timeout(120_000);
    const namespace = 'leaving';
    await makeNamespace(client, namespace);
    const stand = await openStand(t, { client, namespace });
    await serveStand(t, stand);
    await applyPolicy(stand, 'leaving.example');
    await applyExperiment(stand);
    await until(async () => (await stand.experiment())?.status.phase === 'Running');
    t.is(stand.weight(), 20);
    const path = `/api/v1/namespaces/${namespace}`;
    await client.call({ method: 'DELETE', path });
    await until(async () => isGone(client, path));
    const left = (): string => JSON.stringify(stand.gateway.applied.at(-1)?.resources);
    await until(async () => !left().includes('leaving.example'));
    t.is(stand.weight(), undefined);
  },
);

apiTest(
  'a definition that is deleted takes its experiments with it, rolled back; with the definition all goes on',
  async (t, { client }) => {
    t.timeout(120_000);
    const namespace = 'undefined';
    await makeNamespace(client, namespace);
    const stand = await openStand(t, { client, namespace });
    await serveStand(t, stand);
    await applyPolicy(stand, 'undefined.example');
    await applyExperiment(stand);
    await until(async () => (await stand.experiment())?.status.phase === 'Running');
    t.is(stand.weight(), 20);
    const { name } = customResourceDefinition('Experiment').metadata;
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
    await client.call({ method: 'DELETE', path });
    // Its finalizers hold the experiment, and so the definition, until the traffic is back.
    await until(async () => isGone(client, path));
    t.is(stand.weight(), undefined);
    t.is(await stand.run(), undefined);
    await t.throwsAsync(stand.resources.list('Experiment', namespace), { code: 'CLV_NOT_FOUND' });

    await applyDefinitions(client);
    await applyExperiment(stand);
    await until(async () => (await stand.experiment())?.status.phase === 'Succeeded');
    t.is(stand.weight(), 100);
  },
);
