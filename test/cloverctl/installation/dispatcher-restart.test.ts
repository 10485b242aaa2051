import test, { type ExecutionContext } from 'ava';
import { dispatcherRestart } from '../../../cloverctl/installation/dispatcher-restart.ts';
import { brokers } from '../../../knative/render/broker.ts';
import { installationOf } from '../../knative/render/installations.ts';
import { onWire, reply } from '../../functions/resources/kubernetes/wire.ts';

const objects = brokers(installationOf({}));

/** What is said where both Brokers have these annotations. */
const saidOf = async (
  t: ExecutionContext,
  annotations?: Readonly<Record<string, string>>,
): Promise<string | undefined> => {
  const wire = await onWire(t, () => reply({ metadata: { uid: 'b', annotations } }));
  return dispatcherRestart(wire.client, objects);
};

test('a Broker that is to answer otherwise than before needs a restart of the dispatcher', async (t) => {
  const restart =
    /of the Broker clover changes.*kubectl rollout restart deployment\/imc-dispatcher -n knative-eventing$/;
  for (const annotations of [
    undefined,
    {},
    { 'messaging.knative.dev/async-handler': 'false' },
    { 'eventing.knative.dev/broker.class': 'MTChannelBasedBroker' },
  ]) {
    t.regex((await saidOf(t, annotations)) ?? '', restart);
  }
});

test('a Broker that answers so already, is new, or is of another class needs none', async (t) => {
  t.is(await saidOf(t, { 'messaging.knative.dev/async-handler': 'true' }), undefined);
  t.is(await saidOf(t, { 'eventing.knative.dev/broker.class': 'Kafka' }), undefined);
  const none = await onWire(t, () => reply({ kind: 'Status', reason: 'NotFound' }, 404));
  t.is(await dispatcherRestart(none.client, objects), undefined);
});
