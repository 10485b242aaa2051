import test from 'ava';
import { onTick } from '../../../functions/host/on-tick.ts';
import { tickEvent } from '../../../functions/host/scheduler.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { eventTypes, type Tick } from '../../../knative/events.ts';
import { eventOf, handle } from './helpers.ts';

/** What a handler makes of a tick. */
async function seen(event: CloudEvent): Promise<Tick | undefined> {
  let tick: Tick | undefined;
  const handler = onTick(async ({ data }) => {
    tick = data;
  });
  await handle({ name: 'f', handlers: [handler] }, event);
  return tick;
}

/** As Knative's PingSource sends it. */
const ping = (data: string, members: Partial<CloudEvent> = {}): CloudEvent =>
  eventOf({
    id: '5d6f7a0e-6b0f-4b0e-8f8e-0d5c9e9b6a11',
    source: '/apis/v1/namespaces/clover/pingsources/evaluate-looks',
    type: eventTypes.tick,
    time: '2026-01-05T12:00:30.431Z',
    data: Buffer.from(data),
    ...members,
  });
const whole = { schedule: 'evaluate-looks', at: Date.UTC(2026, 0, 5, 12, 0, 30), missed: 0 };

test('a tick of the scheduler is read as it is', async (t) => {
  t.deepEqual(await seen(tickEvent('s', 10_500, 3)), { schedule: 's', at: 10_500, missed: 3 });
});

test('a tick of a PingSource gets its name from the source and its instant from the time', async (t) => {
  t.deepEqual(await seen(ping('')), whole);
  t.deepEqual(await seen(ping('{"message": "Hello world!"}')), whole);
  t.deepEqual(await seen(ping('plain text', { datacontenttype: 'text/plain' })), whole);
  t.deepEqual(await seen(ping('[1]')), whole);
  t.deepEqual(await seen(ping('{"schedule": "s"}')), { ...whole, schedule: 's' });
});

test('a tick that says something wrong, or no instant at all, is refused with its field', async (t) => {
  for (const [event, field] of [
    [ping('{"at": "noon"}'), 'data.at'],
    [ping('{"missed": -1}'), 'data.missed'],
    [ping('{"schedule": 7}'), 'data.schedule'],
    [ping('', { time: 'never' }), 'data.at'],
  ] as const) {
    const error = await t.throwsAsync(seen(event), { code: 'CLV_EVENT_DATA_INVALID' });
    t.regex(error.message, new RegExp(field));
  }
});
