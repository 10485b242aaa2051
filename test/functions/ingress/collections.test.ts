import test, { type ExecutionContext } from 'ava';
import { followCluster, type Collections } from '../../../functions/ingress/collections.ts';
import { silent } from '../host/helpers.ts';
import {
  goneLine,
  line,
  listed,
  onWire,
  refusal,
  told,
  type Answer,
} from '../resources/kubernetes/wire.ts';
import { ingressOf, sliceOf, specOf, splitOf } from './examples.ts';

const ingress = (name: string): object => ({
  ...ingressOf(name, specOf(['a.b'], [{ splits: [splitOf('v1')] }])),
});
const service = (name: string): object => ({ metadata: { namespace: 'shop', name }, spec: {} });

const ofAnother = {
  namespace: 'shop',
  name: 'v1-1',
  resourceVersion: '2',
  labels: { 'kubernetes.io/service-name': 'v3' },
};

interface Followed {
  readonly cluster: Collections;
  /** Resolves when the condition holds. */
  readonly until: (condition: () => boolean) => Promise<void>;
}

/** Follows an API that answers for each collection in turn; once it has nothing more to say it is silent. */
async function follow(
  t: ExecutionContext,
  answers: Readonly<Record<'ingresses' | 'services' | 'endpointslices', readonly Answer[]>>,
): Promise<Followed> {
  const left = new Map(Object.entries(answers).map(([name, own]) => [name, [...own]]));
  const { client } = await onWire(
    t,
    ({ path }) => left.get(path.split('/').at(-1) ?? '')?.shift() ?? told([]),
  );
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  let changed = Promise.withResolvers<void>();
  const cluster = followCluster({
    client,
    signal: stop.signal,
    log: silent,
    onChange: () => changed.resolve(),
    onFatal: (error) => t.fail(String(error)),
  });
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      changed = Promise.withResolvers();
      await changed.promise;
    }
  };
  return { cluster, until };
}

test('nothing may be concluded before each collection has come once', async (t) => {
  const { cluster, until } = await follow(t, {
    ingresses: [listed([ingress('app')], '1')],
    services: [refusal(503, 'wait', { retryAfterSeconds: 1 }), listed([service('v1')], '1')],
    endpointslices: [refusal(500), listed([sliceOf('v1', ['10.0.0.1'])], '1')],
  });
  await until(() => cluster.ingresses().length === 1);
  t.false(cluster.isWhole());
  await until(() => cluster.isWhole());
  t.is(cluster.service('shop/v1')?.metadata.name, 'v1');
  t.is(cluster.slices('shop/v1').length, 1);
});

test('after a gap what is not listed any more is gone, from its Service too', async (t) => {
  const { cluster, until } = await follow(t, {
    ingresses: [
      listed([ingress('app'), ingress('going')], '1'),
      told([goneLine]),
      listed([ingress('app')], '9'),
    ],
    services: [listed([service('v1'), service('v2')], '1'), told([line('DELETED', 'v2', '2')])],
    endpointslices: [
      listed([sliceOf('v1', ['10.0.0.1'])], '1'),
      // It belongs to another Service from now on.
      told([{ type: 'MODIFIED', object: sliceOf('v3', ['10.0.0.2'], { metadata: ofAnother }) }]),
    ],
  });
  await until(() => cluster.isWhole() && cluster.ingresses().length === 1);
  await until(
    () => cluster.service('shop/v2') === undefined && cluster.slices('shop/v3').length === 1,
  );
  t.is(cluster.ingresses()[0]?.metadata.name, 'app');
  t.deepEqual(cluster.slices('shop/v1'), []);
});

test('an object that cannot be read is left out, and takes no other with it', async (t) => {
  const { cluster, until } = await follow(t, {
    ingresses: [
      listed([{ ...ingress('strange'), spec: { rules: 'none' } }, ingress('app')], '1'),
      told([{ type: 'MODIFIED', object: { ...ingress('app'), spec: 7 } }]),
    ],
    services: [listed([], '1')],
    endpointslices: [listed([], '1')],
  });
  await until(() => cluster.isWhole());
  await until(() => cluster.ingresses().length === 0);
  t.pass();
});
