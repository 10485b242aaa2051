import { createHmac } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { notificationEvent } from '../../../functions/notify/function.ts';
import { signatureHeaders } from '../../../functions/notify/signature.ts';
import { createWebhook } from '../../../functions/notify/webhook.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { eventHeaders } from '../../../functions/lib/event-headers.ts';
import { webhookEntry } from '../../../knative/catalogue.ts';
import { eventTypes, notification, type NotificationReason } from '../../../knative/events.ts';
import { until } from '../host/helpers.ts';
import { served, token } from '../host/serving.ts';
import { quick, receiver } from './helpers.ts';

const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

const raised = (reason: NotificationReason, to = '1') =>
  notificationEvent(
    { uid: 'uid', what: reason, to },
    {
      reason,
      type: 'Normal',
      action: 'Judge',
      note: 'ünïcode',
      at: '2027-01-15T08:00:00.000Z',
      regarding: {
        apiVersion: 'clover.dev/v1alpha1',
        kind: 'Experiment',
        namespace: 'default',
        name: 'exp',
        uid: 'uid',
      },
    },
  );

interface Hook {
  readonly url: string;
  readonly types?: readonly NotificationReason[];
}

async function start(t: ExecutionContext, hooks: readonly Hook[]) {
  const named = hooks.map((hook, index) => Object.assign({ name: `webhook-${index}` }, hook));
  const serving = await served(
    t,
    named.map(({ name, url }) => createWebhook({ name, url, secret, clock: systemClock })),
    named.map(({ name, types }) => webhookEntry(name, types, quick)),
  );
  const raise = async (event: ReturnType<typeof raised>): Promise<void> => {
    const response = await fetch(`${serving.url}/broker`, {
      method: 'POST',
      headers: { ...eventHeaders(event), authorization: `Bearer ${token}` },
      body: new Uint8Array(event.data),
    });
    t.is(response.status, 202, await response.text());
  };
  const settled = (): Promise<void> =>
    until(async () => (await serving.counters())['broker']?.['depth'] === 0);
  return { serving, raise, settled };
}

test('the signature is that of the Standard Webhooks example', (t) => {
  const body = Buffer.from('{"test": 2432232314}');
  const headers = signatureHeaders(
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1_614_265_330,
    body,
  );
  t.deepEqual(headers, {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('a notification is a CloudEvent in binary mode, signed', async (t) => {
  const hook = await receiver(t);
  const { raise, settled } = await start(t, [hook]);
  await raise(raised('VerdictPass'));
  await settled();
  const [got] = hook.received;
  t.is(hook.received.length, 1);
  t.is(got?.headers['ce-type'], eventTypes.notification);
  t.is(got?.headers['ce-specversion'], '1.0');
  t.is(got?.headers['ce-reason'], 'VerdictPass');
  t.is(got?.headers['content-type'], 'application/json');
  t.is(got?.headers['webhook-id'], got?.headers['ce-id']);
  const body = got?.body ?? Buffer.alloc(0);
  t.is(notification.parse(JSON.parse(body.toString())).note, 'ünïcode');
  const signed = `${String(got?.headers['webhook-id'])}.${String(got?.headers['webhook-timestamp'])}.`;
  const wanted = createHmac('sha256', Buffer.alloc(32, 9)).update(signed).update(body);
  t.is(got?.headers['webhook-signature'], `v1,${wanted.digest('base64')}`);
});

test('a webhook that fails twice gets it a third time under the same id, and no other one again', async (t) => {
  const good = await receiver(t);
  const bad = await receiver(t, [500, 503]);
  const { raise, settled, serving } = await start(t, [good, bad]);
  await raise(raised('VerdictFail'));
  await settled();
  t.is(good.received.length, 1);
  t.is(bad.received.length, 3);
  t.is(new Set(bad.received.map(({ headers }) => headers['webhook-id'])).size, 1);
  const counters = await serving.counters();
  t.is(counters['webhook-1']?.['failed'], 2);
  t.is(counters['webhook-1']?.['sent'], 1);
  t.is(counters['broker']?.['dead'], 0);
});

test('what will not get better is a dead letter at once, and redirects are not followed', async (t) => {
  const target = await receiver(t);
  const gone = await receiver(t, [410, 410, 410]);
  const moved = await receiver(t, [307, 307, 307], { location: target.url });
  const { raise, settled, serving } = await start(t, [gone, moved]);
  await raise(raised('VerdictFail'));
  await settled();
  t.deepEqual([gone.received.length, moved.received.length, target.received.length], [1, 1, 0]);
  t.is((await serving.counters())['broker']?.['dead'], 2);
});

test('a webhook that is not there is tried again, then it is a dead letter', async (t) => {
  const { raise, settled, serving } = await start(t, [{ url: 'http://127.0.0.1:2/' }]);
  await raise(raised('VerdictFail'));
  await settled();
  const counters = await serving.counters();
  t.is(counters['webhook-0']?.['failed'], 5);
  t.is(counters['broker']?.['dead'], 1);
});

test('Retry-After is respected, as seconds and as a date', async (t) => {
  const inSeconds = await receiver(t, [429], { 'retry-after': '1' });
  const date = new Date(Date.now() + 2_000).toUTCString();
  const onDate = await receiver(t, [503], { 'retry-after': date });
  const { raise, settled } = await start(t, [inSeconds, onDate]);
  const began = Date.now();
  await raise(raised('VerdictFail'));
  await until(() => inSeconds.received.length === 2);
  t.true(Date.now() - began >= 950);
  await settled();
  t.is(onDate.received.length, 2);
  t.true(Date.now() >= Date.parse(date) - 50);
});

test('a webhook that names types gets only those', async (t) => {
  const all = await receiver(t);
  const some = await receiver(t);
  const types = ['VerdictFail', 'RolledBack'] as const;
  const { raise, settled } = await start(t, [all, { url: some.url, types }]);
  for (const reason of ['VerdictPass', 'VerdictFail', 'Succeeded', 'RolledBack'] as const) {
    await raise(raised(reason));
  }
  await settled();
  t.is(all.received.length, 4);
  t.deepEqual(some.received.map(({ headers }) => String(headers['ce-reason'])).sort(), [
    'RolledBack',
    'VerdictFail',
  ]);
});
