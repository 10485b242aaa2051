import test from 'ava';
import { partFindings } from '../../../cloverctl/doctor/part-findings.ts';
import { wholeCluster } from '../installation/findings.ts';

const onKnative = { settings: { knative: true } };
const withIstio = { settings: { knative: false, controlPlane: { istio: true } } };

test('parts that an installation uses are told by their versions', (t) => {
  t.deepEqual(partFindings(onKnative, wholeCluster), [
    { check: 'Knative Serving', state: 'good', found: '1.22.0' },
    { check: 'Knative Eventing', state: 'good', found: '1.22.0' },
  ]);
  t.deepEqual(partFindings(withIstio, wholeCluster), [
    { check: 'Istio', state: 'good', found: '1.28.0' },
  ]);
  t.deepEqual(partFindings({ settings: { knative: false } }, wholeCluster), []);
});

test('a version that cannot be told is not good', (t) => {
  const [finding] = partFindings(withIstio, { ...wholeCluster, istio: 'unknown' });
  t.like(finding, { check: 'Istio', state: 'doubtful', found: 'its version cannot be told' });
  t.regex(finding?.fix ?? '', /Deployment istiod of istio-system/);
});

test('what is not there, does not run or is too old is bad, and the settings without it are told', (t) => {
  const stopped = ['Knative Serving does not run: the Deployment webhook is not there'];
  const broken = { ...wholeCluster, eventing: undefined, stopped };
  t.deepEqual(partFindings(onKnative, broken).slice(0, 2), [
    {
      check: 'Knative',
      state: 'bad',
      found: 'Knative Eventing is not there',
      fix: 'mend that, or cloverctl upgrade --set knative=false',
    },
    {
      check: 'Knative',
      state: 'bad',
      found: 'Knative Serving does not run: the Deployment webhook is not there',
      fix: 'mend that, or cloverctl upgrade --set knative=false',
    },
  ]);
  const old = { ...wholeCluster, unserved: ['networking.istio.io/v1'] };
  t.like(partFindings(withIstio, old)[0], {
    check: 'Istio',
    state: 'bad',
    fix: 'mend that, or cloverctl upgrade --set controlPlane.istio=false',
  });
});
