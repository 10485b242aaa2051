import test from 'ava';
import { completedRequests } from '../../../cloverctl/demo/completed-requests.ts';

const answer = (...names: readonly string[]): string =>
  JSON.stringify({ stats: [...names.map((name, value) => ({ name, value })), { histograms: {} }] });

test('requests are counted by the version that the name of a cluster has', (t) => {
  const one = answer(
    'cluster.sdc/proxy/v1.upstream_rq_completed',
    'cluster.sdc/proxy/v2.upstream_rq_completed',
    'cluster.sdc/proxy/v2.external.upstream_rq_completed',
    'cluster.sdc/other/v3.upstream_rq_completed',
    'cluster.sdc/proxy/v4.upstream_rq_total',
  );
  t.deepEqual(
    [...completedRequests(one, /^sdc\/proxy\/([^/.]+)$/)],
    [
      ['v1', 0],
      ['v2', 1],
    ],
  );
});

test('a cluster of Istio has its version in the middle', (t) => {
  const all = answer(
    'cluster.outbound|8080||proxy.sdc.svc.cluster.local;.upstream_rq_completed',
    'cluster.outbound|8080|v1|proxy.sdc.svc.cluster.local;.upstream_rq_completed',
    'cluster.outbound|8080|v1|proxy.sdc.svc.cluster.local;.internal.upstream_rq_completed',
  );
  const cluster = /^outbound\|8080\|([^|]+)\|proxy\.sdc\.svc\.cluster\.local;?$/;
  t.deepEqual([...completedRequests(all, cluster)], [['v1', 1]]);
});
