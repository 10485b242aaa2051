import test, { type ExecutionContext } from 'ava';
import { subscriberFindings } from '../../../cloverctl/doctor/subscriber-findings.ts';
import { onWire, refusal, reply } from '../../functions/resources/kubernetes/wire.ts';

const place = {
  apiVersion: 'eventing.knative.dev/v1',
  kind: 'Broker',
  plural: 'brokers',
  namespace: 'clover-system',
  name: 'clover',
};
const annotations = {
  'knative.dev/channelAPIVersion': 'messaging.knative.dev/v1',
  'knative.dev/channelKind': 'InMemoryChannel',
  'knative.dev/channelName': 'clover-kne-trigger',
};
const metadata = { uid: 'b' };

/** Finds of a Broker whose channel has such subscribers, where these Subscriptions are. */
async function findingsOf(
  t: ExecutionContext,
  spec: object | undefined,
  uids: readonly string[],
  status: object = { annotations },
) {
  const messaging = '/apis/messaging.knative.dev/v1/namespaces/clover-system';
  const answers: Readonly<Record<string, object | undefined>> = {
    '/apis/eventing.knative.dev/v1/namespaces/clover-system/brokers/clover': { metadata, status },
    [`${messaging}/inmemorychannels/clover-kne-trigger`]: spec && { metadata, spec },
    [`${messaging}/subscriptions`]: { items: uids.map((uid) => ({ metadata: { uid } })) },
  };
  const { client } = await onWire(t, ({ path }) => {
    const answer = answers[path];
    return answer === undefined ? refusal(404) : reply(answer);
  });
  return subscriberFindings(client, 'clover-system', [place]);
}

const subscribers = (...uids: readonly string[]) => ({ subscribers: uids.map((uid) => ({ uid })) });

test('subscribers of Subscriptions that are no more are told, and how they go', async (t) => {
  const [found] = await findingsOf(t, subscribers('one', 'gone', 'two', 'lost'), ['one', 'two']);
  t.like(found, {
    check: 'subscribers of broker.eventing.knative.dev/clover',
    state: 'doubtful',
    fix: 'kubectl delete brokers.eventing.knative.dev clover -n clover-system, then cloverctl upgrade, which makes it anew',
  });
  t.regex(found?.found ?? '', /^2 of 4 are of Subscriptions that are no more/);
});

test('a Broker that has no others is well, one without subscribers too', async (t) => {
  t.like(await findingsOf(t, subscribers('one', 'two'), ['two', 'three', 'one']), [
    { state: 'good', found: '2' },
  ]);
  t.like(await findingsOf(t, {}, []), [{ state: 'good', found: '0' }]);
});

test('of a Broker without a channel nothing is said, nor where there is none', async (t) => {
  t.deepEqual(await findingsOf(t, subscribers('one'), [], {}), []);
  t.deepEqual(await findingsOf(t, undefined, []), []);
});
