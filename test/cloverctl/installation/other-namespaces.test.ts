import test from 'ava';
import { inventoryObject } from '../../../cloverctl/installation/inventory.ts';
import { otherInstallations } from '../../../cloverctl/installation/other-installations.ts';
import { onWire, reply } from '../../functions/resources/kubernetes/wire.ts';

const objects = [{ apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', name: 'api' }];
const inventory = (namespace: string) =>
  inventoryObject(namespace, { version: '1.2.3', settings: {}, namespace: 'made', objects });
const damaged = (namespace: string) => ({ ...inventory(namespace), data: {} });

test('an inventory counts where a ClusterRole confirms it, damaged or not, and is a doubt elsewhere', async (t) => {
  const items = [inventory('real'), damaged('broken'), inventory('forged'), damaged('junk')];
  const roles = ['real', 'broken'].map((namespace) => ({
    metadata: { labels: { 'app.kubernetes.io/instance': namespace } },
  }));
  const { client } = await onWire(t, ({ path }) =>
    reply({ items: path.endsWith('/clusterroles') ? roles : items }),
  );
  const { installations, doubts } = await otherInstallations(client, 'clover');
  t.deepEqual(
    installations.map((other) => [other.namespace, other.inventory?.version]),
    [
      ['real', '1.2.3'],
      ['broken', undefined],
    ],
  );
  t.is(doubts.length, 2);
  t.regex(doubts[0] ?? '', /of forged tells of Clover 1\.2\.3, and no ClusterRole is labelled/);
  t.regex(doubts[1] ?? '', /of junk is damaged, and no ClusterRole is labelled/);
});
