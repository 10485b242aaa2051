import test from 'ava';
import { demandParts } from '../../../cloverctl/installation/demand-cluster.ts';
import { installationOf } from '../../knative/render/installations.ts';
import { wholeCluster } from './findings.ts';

const oldIstio = { ...wholeCluster, unserved: ['networking.istio.io/v1'] };
const controlPlane = { istio: true };

test('what is there and served is no reason to end, nor is what is not used', (t) => {
  t.notThrows(() => demandParts(wholeCluster, installationOf({})));
  const unserved = ['networking.istio.io/v1', 'serving.knative.dev/v1'];
  const old = { ...wholeCluster, eventing: undefined, unserved };
  t.notThrows(() => demandParts(old, installationOf({ knative: false })));
});

test('an Istio that is too old is done without by the setting of the control plane', (t) => {
  const error = t.throws(() =>
    demandParts(oldIstio, installationOf({ knative: false, controlPlane })),
  );
  t.is(
    error?.message,
    'nothing was changed: the cluster does not serve networking.istio.io/v1, which Istio 1.22 or newer does; --set controlPlane.istio=false does without',
  );
});

test('on Knative an Istio that is too old is done without in the same way, and alone', (t) => {
  t.throws(() => demandParts(oldIstio, installationOf({ controlPlane })), {
    message: /1\.22 or newer does; --set controlPlane\.istio=false does without$/,
  });
  t.notThrows(() => demandParts(oldIstio, installationOf({})));
  const lacking = { ...oldIstio, eventing: undefined };
  t.throws(() => demandParts(lacking, installationOf({ controlPlane })), {
    message: /--set knative=false --set controlPlane\.istio=false does without$/,
  });
});

test('a Knative that is not there, or too old, is done without by knative=false', (t) => {
  const unserved = ['sources.knative.dev/v1'];
  const error = t.throws(() =>
    demandParts({ ...wholeCluster, serving: undefined, unserved }, installationOf({})),
  );
  t.is(
    error?.message,
    'nothing was changed: Knative Serving is not there, the cluster does not serve sources.knative.dev/v1, which a newer Knative Eventing does; --set knative=false does without',
  );
});

test('a Knative of which nothing but definitions is there is not used', (t) => {
  const stopped = ['Knative Serving does not run: the Deployment webhook is not there'];
  const half = { ...wholeCluster, stopped };
  t.throws(() => demandParts(half, installationOf({})), {
    message: /^nothing was changed: Knative Serving does not run: .*; --set knative=false/,
  });
  t.notThrows(() => demandParts(half, installationOf({ knative: false })));
});
