import test from 'ava';
import { hasVolatileDatabases } from '../../../cloverctl/installation/volatile-databases.ts';

test('databases go with the pod where all functions are in one process without a volume', (t) => {
  const controlPlane = { persistent: false };
  t.true(hasVolatileDatabases({ knative: false, controlPlane }));
  t.false(hasVolatileDatabases({ knative: true, controlPlane }));
  t.false(hasVolatileDatabases({ knative: false, controlPlane: { istio: true } }));
  t.false(hasVolatileDatabases({}));
});
