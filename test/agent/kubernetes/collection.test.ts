import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { followCollection, type Collection } from '../../../agent/kubernetes/collection.ts';
import { readPod, type KubePod } from '../../../agent/kubernetes/pod-object.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createKubeClient } from '../../../functions/resources/kubernetes/client.ts';
import {
  inClusterConnection,
  type KubeConnection,
} from '../../../functions/resources/kubernetes/connection.ts';
import { compact } from '../../cluster/compact.ts';
import { sharedByFile } from '../../cluster/shared-by-file.ts';
import { startClusterNode, type Asked, type ClusterNode } from '../helpers/cluster-node.ts';
import { eventually } from '../helpers/test-agent.ts';

const { serial, started } = await sharedByFile(startClusterNode);

interface Followed {
  readonly pods: Collection<KubePod>;
  readonly connection: KubeConnection;
  /** From now on it waits before it asks again. */
  hold(): void;
  release(): void;
  /** Sets the clock by which the token grows old. */
  setClock(ms: number): void;
  names(): readonly string[];
  /** Requests for pods since the start of this one. */
  asked(): Promise<readonly Asked[]>;
}

const follow = async (t: ExecutionContext, node: ClusterNode): Promise<Followed> => {
  let now = 0;
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  const { env, accountFolder: folder } = node;
  const connection = inClusterConnection({ env, folder, monotonicMs: () => now });
  const before = (await node.asked()).length;
  const pods = followCollection({
    client: createKubeClient(connection),
    path: '/api/v1/pods',
    fieldSelector: `spec.nodeName=${node.name}`,
    read: readPod,
    onChange: () => undefined,
    clock: {
      ...systemClock,
      sleep: async (ms, signal) => {
        await systemClock.sleep(ms, signal);
        await gate.promise;
      },
    },
    random: Math.random,
    log: pino({ level: 'silent' }),
  });
  t.teardown(() => {
    gate.resolve();
    return pods.stop();
  });
  return {
    pods,
    connection,
    hold() {
      gate = Promise.withResolvers();
    },
    release: () => gate.resolve(),
    setClock: (ms) => {
      now = ms;
    },
    names: () => (pods.items() ?? []).map(({ name }) => name).toSorted(),
    asked: async () =>
      (await node.asked()).slice(before).filter(({ resource }) => resource === 'pods'),
  };
};

const cut = async ({ connection }: Followed): Promise<void> =>
  connection.options().then(({ agent }) => agent.destroy());

serial(
  'pods of the node alone, and what becomes of them, over one watch without a list',
  async (t) => {
    const node = await started;
    const uid = await node.addPod('web', { labels: { app: 'web' } });
    await node.addPod('elsewhere', { node: 'node-2' });
    const followed = await follow(t, node);
    await eventually('the first set', () => followed.pods.items() !== undefined);
    t.deepEqual(followed.pods.items(), [
      {
        uid,
        cgroupUid: uid,
        namespace: 'shop',
        name: 'web',
        labels: { app: 'web' },
        hostNetwork: false,
        devices: [],
        hugePages: false,
        ports: [],
        sandboxed: false,
        besideSidecar: undefined,
      },
    ]);
    await node.addPod('host', { hostNetwork: true });
    await eventually('the new one', () => followed.names().join() === 'host,web');
    t.like(
      followed.pods.items()?.find(({ name }) => name === 'host'),
      { hostNetwork: true },
    );
    await node.labelPod('web', { version: 'v2' });
    await eventually('the label', () =>
      (followed.pods.items() ?? []).some(({ labels }) => labels['version'] === 'v2'),
    );
    await node.removePod('host');
    await eventually('its end', () => followed.names().join() === 'web');
    t.deepEqual(
      (await followed.asked()).map(({ verb }) => verb),
      ['watch'],
    );
    t.is(followed.pods.failed, 0);
  },
);

serial('a pod that has ended counts as gone', async (t) => {
  const node = await started;
  const followed = await follow(t, node);
  await node.addPod('job');
  await eventually('the job', () => followed.names().includes('job'));
  await node.client.call({
    method: 'PATCH',
    path: '/api/v1/namespaces/shop/pods/job/status',
    contentType: 'application/merge-patch+json',
    body: { status: { phase: 'Succeeded' } },
  });
  await eventually('its end', () => !followed.names().includes('job'));
  t.is(followed.pods.failed, 0);
  await node.removePod('job');
});

serial('a connection that breaks goes on where it was', async (t) => {
  const node = await started;
  const followed = await follow(t, node);
  await eventually('the first set', () => followed.pods.items() !== undefined);
  await node.addPod('before');
  await eventually('a change', () => followed.names().includes('before'));
  await cut(followed);
  await node.addPod('after');
  await eventually('the next change', () => followed.names().includes('after'));
  const asked = await followed.asked();
  t.deepEqual(
    asked.map(({ verb }) => verb),
    ['watch', 'watch'],
  );
  t.regex(asked[1]?.uri ?? '', /[?&]resourceVersion=\d+/);
  t.notRegex(asked[1]?.uri ?? '', /sendInitialEvents/);
});

serial(
  'what came and went while the server forgot the past is found by one set more',
  async (t) => {
    const node = await started;
    const followed = await follow(t, node);
    await eventually('the first set', () => followed.names().includes('after'));
    followed.hold();
    await cut(followed);
    await node.removePod('after');
    await node.addPod('new');
    await compact(node.tier.etcd);
    await node.tier.restartApiServer();
    t.true(followed.names().includes('after'), 'the last that is known');
    followed.release();
    await eventually('the truth', () => followed.names().includes('new'));
    t.false(followed.names().includes('after'));
    await node.addPod('newest');
    await eventually('a change', () => followed.names().includes('newest'));
    const asked = await followed.asked();
    t.true(
      asked.every(({ verb }) => verb === 'watch'),
      'never a list',
    );
    t.is(asked.filter(({ uri }) => uri.includes('sendInitialEvents')).length, 2);
  },
);

serial('a token that ended is replaced by the one in the file', async (t) => {
  const node = await started;
  const followed = await follow(t, node);
  await eventually('the first set', () => followed.pods.items() !== undefined);
  await node.endToken('first');
  // The server remembers tokens for 10 s.
  await eventually('the refusal', async () => {
    await cut(followed);
    await sleep(500);
    return followed.pods.failed > 0;
  });
  await node.addPod('unseen');
  t.false(followed.names().includes('unseen'));
  await node.writeToken('second');
  followed.setClock(61_000);
  await eventually('the pod', () => followed.names().includes('unseen'));
});

serial(
  'a server that does not send the first set over a watch is asked for one list',
  async (t) => {
    t.timeout(120_000);
    const node = await startClusterNode(t, ['--feature-gates=WatchList=false']);
    await node.addPod('web');
    const followed = await follow(t, node);
    await eventually('the first set', () => followed.names().includes('web'));
    await node.addPod('next');
    await eventually('a change', () => followed.names().includes('next'));
    t.deepEqual(
      (await followed.asked()).map(({ verb }) => verb),
      ['watch', 'list', 'watch'],
    );
  },
);
