import test from 'ava';
import { createDataPlane } from '../../../functions/ingress/data-plane.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { createMemoryGateway } from '../../../functions/mesh/envoy/memory-gateway.ts';
import { renderEnvoy } from '../../../functions/mesh/envoy/renderer.ts';
import { compile } from '../../../functions/policy/compile.ts';
import { policyOf } from '../policy/examples.ts';
import { silent } from '../host/helpers.ts';

const resources = (port: number) =>
  renderEnvoy(compile([policyOf({ target: { host: '*', port } })], []).form, '/xds');

function bench() {
  const gateway = createMemoryGateway();
  const written: string[] = [];
  const plane = createDataPlane({ gateway, log: silent, onWrite: (state) => written.push(state) });
  const versions = (): readonly number[] => gateway.applied.map(({ version }) => version);
  return { gateway, plane, written, versions };
}

test('what Envoy has acknowledged is not written again, and each change is one number on', async (t) => {
  const { plane, written, versions } = bench();
  for (const port of [80, 80, 81, 80]) {
    t.deepEqual(await plane.bring(resources(port)), { state: 'acknowledged' });
  }
  t.deepEqual(versions(), [1, 2, 3]);
  t.is(written.length, 3);
});

test('what nobody acknowledges is written again under its own number', async (t) => {
  const { gateway, plane, versions } = bench();
  gateway.answer(() => ({ state: 'unknown', message: 'no answer' }));
  t.deepEqual(await plane.bring(resources(80)), { state: 'unknown' });
  gateway.answer(() => ({ state: 'acknowledged' }));
  t.deepEqual(await plane.bring(resources(80)), { state: 'acknowledged' });
  t.deepEqual(versions(), [1, 1]);
});

test('what Envoy refuses is told, and not tried again until it is another', async (t) => {
  const { gateway, plane, written, versions } = bench();
  gateway.answer(() => {
    throw new CloverError('CLV_GATEWAY_REJECTED', 'routes/80: bad');
  });
  const refused = { state: 'refused', message: 'routes/80: bad' };
  t.deepEqual(await plane.bring(resources(80)), refused);
  t.deepEqual(await plane.bring(resources(80)), refused);
  gateway.answer(() => ({ state: 'acknowledged' }));
  t.deepEqual(await plane.bring(resources(81)), { state: 'acknowledged' });
  t.deepEqual(versions(), [1, 2]);
  t.deepEqual(written, ['refused', 'acknowledged']);
});

test('where somebody else has written, the next number is above theirs', async (t) => {
  const { gateway, plane, versions } = bench();
  await plane.bring(resources(80));
  gateway.answer(() => {
    gateway.answer(() => ({ state: 'acknowledged' }));
    throw new CloverError('CLV_CONFLICT', 'snapshot 9 is already in place');
  });
  t.deepEqual(await plane.bring(resources(81)), { state: 'unknown' });
  await gateway.apply({ version: 9, resources: resources(82) });
  t.deepEqual(await plane.bring(resources(81)), { state: 'acknowledged' });
  t.deepEqual(versions(), [1, 2, 9, 10]);
});

test('what is no answer of a gateway ends the controller', async (t) => {
  const { gateway, plane } = bench();
  gateway.answer(() => {
    throw new TypeError('a mistake');
  });
  await t.throwsAsync(plane.bring(resources(80)), { instanceOf: TypeError });
});
