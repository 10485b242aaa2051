import test from 'ava';
import { sendersFinding } from '../../../cloverctl/doctor/senders-finding.ts';
import { onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';

const check = 'senders of events';

test('without oidc it is said that functions take events of anybody, and how to end it', async (t) => {
  const { client, asked } = await onWire(t, () => reply({}));
  t.like(await sendersFinding(client, false), {
    check,
    state: 'doubtful',
    fix: 'enable authentication-oidc in the ConfigMap config-features of knative-eventing, then cloverctl upgrade --set oidc=true; docs/knative.md has the steps between',
  });
  t.deepEqual(asked, []);
});

test('with oidc Eventing has to say who it is', async (t) => {
  for (const [answer, state, found] of [
    [reply({ data: { 'authentication-oidc': 'enabled' } }), 'good', 'enabled'],
    [reply({ data: { 'authentication-oidc': 'Enabled' } }), 'good', 'Enabled'],
    [reply({ data: { 'authentication-oidc': 'disabled' } }), 'bad', 'disabled'],
    [reply({}), 'bad', 'disabled'],
    [refusal(404), 'bad', 'disabled'],
  ] as const) {
    const { client, asked } = await onWire(t, () => answer);
    t.like(await sendersFinding(client, true), {
      check,
      state,
      found: `authentication-oidc is ${found}`,
    });
    t.like(asked[0], {
      path: '/api/v1/namespaces/knative-eventing/configmaps/config-features',
    });
  }
});
