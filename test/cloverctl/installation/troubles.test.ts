import test from 'ava';
import { troublesOf } from '../../../cloverctl/installation/troubles.ts';
import { onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';

const place = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespace: 'clover',
  name: 'api',
} as const;

const warning = (kind: string, name: string, message: string): object => ({
  type: 'Warning',
  reason: 'FailedCreate',
  message,
  involvedObject: { kind, name },
});

test('it is told why pods wait, and what events warn of, each once and of this object alone', async (t) => {
  const waiting = { reason: 'CrashLoopBackOff', message: 'back-off' };
  const pods = [
    {
      metadata: { name: 'api-1' },
      status: {
        conditions: [{ type: 'PodScheduled', status: 'False', message: 'no node has 1 CPU' }],
      },
    },
    {
      metadata: { name: 'api-2' },
      status: {
        containerStatuses: [
          {
            name: 'api',
            restartCount: 3,
            state: { waiting },
            lastState: { terminated: { exitCode: 78, reason: 'Error' } },
          },
          { name: 'queue-proxy', state: { running: {} } },
        ],
      },
    },
  ];
  const events = [
    warning('ReplicaSet', 'api-7d', 'quota'),
    warning('ReplicaSet', 'api-7d', 'quota'),
    warning('ReplicaSet', 'apiary', 'no'),
    warning('Pod', 'api-2', 'no such Secret'),
    warning('Pod', 'api-0', 'of a pod that is gone'),
    warning('SinkBinding', 'api', 'of another kind'),
  ];
  const { client, asked } = await onWire(t, ({ path }) =>
    reply({ items: path.endsWith('/pods') ? pods : events }),
  );
  t.deepEqual(await troublesOf(client, place), [
    'pod api-1: no node has 1 CPU',
    'pod api-2, container api: CrashLoopBackOff back-off (ended with 78 Error, 3 times; see kubectl logs -n clover api-2 -c api --previous)',
    'FailedCreate: no such Secret',
    'FailedCreate: quota',
  ]);
  t.is(
    asked[0]?.query['labelSelector'],
    'app.kubernetes.io/name=api,app.kubernetes.io/instance=clover',
  );
});

test('what is in no namespace has no pods, and where there are none there is nothing to tell', async (t) => {
  const { client, asked } = await onWire(t, () => refusal(404));
  const { namespace: _, ...clusterWide } = place;
  t.deepEqual(await troublesOf(client, clusterWide), []);
  t.is(asked.length, 0);
  t.deepEqual(await troublesOf(client, place), []);
});
