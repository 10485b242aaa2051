import { nodePods } from '../../../agent/kubernetes/node-pods.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createKubeClient } from '../../../functions/resources/kubernetes/client.ts';
import { inClusterConnection } from '../../../functions/resources/kubernetes/connection.ts';
import { sharedByFile } from '../../cluster/shared-by-file.ts';
import { silent } from '../../functions/host/helpers.ts';
import { startClusterNode } from '../helpers/cluster-node.ts';
import { eventually } from '../helpers/test-agent.ts';

const { serial, started } = await sharedByFile(startClusterNode);

const services = '/api/v1/namespaces/shop/services';

serial(
  'Services say what the ports of pods speak, while one of the pods is asked for',
  async (t) => {
    const node = await started;
    const { env, accountFolder: folder } = node;
    const uid = await node.addPod('store', { labels: { app: 'store' } });
    const before = (await node.asked()).length;
    const directory = nodePods({
      client: createKubeClient(inClusterConnection({ env, folder, monotonicMs: () => 0 })),
      node: node.name,
      locator: { locate: () => new Map() },
      clock: systemClock,
      random: Math.random,
      log: silent,
    })(() => undefined);
    t.teardown(() => directory.stop());
    const hints = () => directory.pods()?.find((pod) => pod.uid === uid)?.hints;
    const asked = async (): Promise<number> =>
      (await node.asked()).slice(before).filter(({ resource }) => resource === 'services').length;
    await eventually('the pod', async () => hints() !== undefined);
    const body = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'store' },
      spec: { selector: { app: 'store' }, ports: [{ name: 'redis', port: 6379 }] },
    };
    await node.client.call({ method: 'POST', path: services, body });
    t.teardown(() => node.client.call({ method: 'DELETE', path: `${services}/store` }));
    t.deepEqual(hints(), []);
    t.is(await asked(), 0);

    directory.locate(new Set([uid]));
    await eventually('what it says', async () => hints()?.length === 1);
    t.deepEqual(hints(), [{ port: 6379, protocol: 'redis' }]);
    await node.client.call({
      method: 'PATCH',
      path: `${services}/store`,
      contentType: 'application/merge-patch+json',
      body: { spec: { ports: [{ port: 6379, appProtocol: 'kafka' }] } },
    });
    await eventually('what it says now', async () => hints()?.[0]?.protocol === 'kafka');
    t.is(await asked(), 1);

    directory.locate(new Set());
    t.deepEqual(hints(), []);
    t.is(directory.failed, 0);
  },
);
