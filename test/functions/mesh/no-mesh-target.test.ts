import test from 'ava';
import { createPolicy } from '../../../functions/policy/function.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createNoMeshTarget } from '../../../functions/mesh/no-mesh-target.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import { handle } from '../host/helpers.ts';
import { policyOf, updatedEvent } from '../policy/examples.ts';

test('it is said of each policy that nobody programs it, and nothing is tried again', async (t) => {
  const clock = systemClock;
  const resources = createLocalStore({ path: ':memory:', clock });
  t.teardown(() => resources.close());
  const target = createNoMeshTarget('there is none');
  const policy = createPolicy({ resources, target, clock });
  const { metadata, spec } = policyOf();
  const { namespace, name } = metadata;
  await resources.applySpec(
    { kind: 'TrafficPolicy', metadata: { namespace, name }, spec },
    { manager: 'test' },
  );
  await handle(policy, updatedEvent);
  const { status } = (await resources.get('TrafficPolicy', namespace, name)) ?? {};
  const said = status?.conditions?.map(({ type, status: is, reason, message }) =>
    [type, is, reason, message].join(' '),
  );
  t.deepEqual(
    said?.filter((line) => !line.startsWith('OverlayActive')),
    ['Accepted True Accepted ', 'Programmed False MeshNotFound there is none'],
  );
  t.false(await policy.isActive?.('policy-settle'));
});
