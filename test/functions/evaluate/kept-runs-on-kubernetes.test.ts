import { randomBytes } from 'node:crypto';
import { createKubernetesStore } from '../../../functions/resources/kubernetes/kubernetes-store.ts';
import { makeNamespace, startApi } from '../../cluster/api-of-file.ts';
import { sharedByFile } from '../../cluster/shared-by-file.ts';
import { World } from './helpers/world.ts';
import { keptRunsSuite } from './kept-runs-suite.ts';

const { serial, started } = await sharedByFile(startApi);

keptRunsSuite(serial, async (t) => {
  t.timeout(300_000);
  const { client } = await started;
  const namespace = `runs-${randomBytes(4).toString('hex')}`;
  await makeNamespace(client, namespace);
  const resources = createKubernetesStore(client);
  t.teardown(() => resources.close());
  return World.create(t, { resources, namespace });
});
