import test from 'ava';
import { existingTokens } from '../../../cloverctl/installation/existing-tokens.ts';
import { onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';
import { installationOf } from '../../knative/render/installations.ts';

const text = (token: string) => ({ data: { token: Buffer.from(token).toString('base64') } });

test('the tokens that are known stay; where there is none, another key, or a Secret of the owner, there is none to keep', async (t) => {
  const one = installationOf({ knative: false });
  const answers = [reply(text('secret')), reply(text('of-agents')), reply({ data: {} })];
  const { client, asked } = await onWire(t, (_, count) => answers[count - 1] ?? refusal(404));
  t.deepEqual(await existingTokens(client, one), { callers: 'secret', agents: 'of-agents' });
  t.deepEqual(await existingTokens(client, one), {});
  t.is(asked.length, 4);
  const tokenSecret = { name: 'mine', key: 'k' };
  const { agent, controlPlane } = one;
  const named = {
    ...one,
    controlPlane: { ...controlPlane, tokenSecret },
    agent: { ...agent, tokenSecret },
  };
  t.deepEqual(await existingTokens(client, named), {});
  t.deepEqual(await existingTokens(client, { ...one, knative: true }), {});
  t.is(asked.length, 4);
});
