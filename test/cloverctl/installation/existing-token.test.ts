import test from 'ava';
import { existingToken } from '../../../cloverctl/installation/existing-token.ts';
import { onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';
import { installationOf } from '../../knative/render/installations.ts';

test('the token that callers know stays; where there is none, another key, or a Secret of the owner, there is none to keep', async (t) => {
  const one = installationOf({ knative: false });
  const token = Buffer.from('secret').toString('base64');
  const { client, asked } = await onWire(t, (_, count) =>
    count === 1 ? reply({ data: { token } }) : count === 2 ? reply({ data: {} }) : refusal(404),
  );
  t.is(await existingToken(client, one), 'secret');
  t.is(await existingToken(client, one), undefined);
  t.is(await existingToken(client, one), undefined);
  const { controlPlane } = one;
  const named = { ...controlPlane, tokenSecret: { name: 'mine', key: 'k' } };
  t.is(await existingToken(client, { ...one, controlPlane: named }), undefined);
  t.is(await existingToken(client, { ...one, knative: true }), undefined);
  t.is(asked.length, 3);
});
