import test from 'ava';
import { z } from 'zod';
import { createKubernetesEventRecorder } from '../../../functions/records/kubernetes-event-recorder.ts';
import type { TransitionMemory } from '../../../functions/records/transition-memory.ts';
import { inTurn, onWire, refusal, reply, type Wire } from '../resources/kubernetes/wire.ts';
import { verdictRecord } from './examples.ts';

const now = Date.parse('2026-05-01T00:00:00Z');
const record = verdictRecord('shop', 'u-1');
const transition = { uid: 'u-1', what: 'Phase', to: 'Succeeded' };

/** The Event that is there, seen so long ago. */
const event = (agoMs: number, more: object = {}): object => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: {
    name: 'e',
    namespace: 'shop',
    uid: 'e-1',
    resourceVersion: '7',
    creationTimestamp: '2026-04-30T00:00:00Z',
    ...more,
  },
  eventTime: new Date(now - agoMs).toISOString(),
  reportingController: 'clover.dev/notify',
  reportingInstance: 'other',
  ...record,
});

const made = z.object({
  metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()) }),
});

function memory(): TransitionMemory & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    noted: async (uid, what) => kept.get(`${uid} ${what}`),
    remember: async (uid, what, to) => void kept.set(`${uid} ${what}`, to),
    forget: async () => kept.clear(),
    close: async () => undefined,
  };
}

function recorderOn({ client }: Wire) {
  const transitions = memory();
  const clock = { now: () => now };
  const recorder = createKubernetesEventRecorder({ client, transitions, clock, instance: 'test' });
  return { recorder, kept: transitions.kept };
}

const methods = ({ asked }: Wire): string => asked.map(({ method }) => method).join(' ');

test('an Event that goes or changes between two requests is tried again, and counted once', async (t) => {
  const there = refusal(409, 'there is one');
  const wire = await onWire(
    t,
    inTurn(
      // It has just grown too old.
      there,
      refusal(404),
      // Somebody else counts at the same time.
      there,
      reply(event(0)),
      refusal(409, 'stale'),
      there,
      reply(event(0)),
      reply({}),
    ),
  );
  const { recorder, kept } = recorderOn(wire);
  await recorder.note(transition, record);
  t.is(methods(wire), 'POST GET POST GET PATCH POST GET PATCH');
  t.like(wire.asked.at(-1)?.body, {
    metadata: { uid: 'e-1', resourceVersion: '7' },
    series: { count: 2 },
  });
  t.is(kept.get('u-1 Phase'), 'Succeeded');
});

test('who died between the Event and the memory of it counts it no second time', async (t) => {
  const wire = await onWire(t, ({ method }, count) => {
    if (count === 1) return reply({}, 201);
    if (method === 'POST') return refusal(409, 'there is one');
    return reply(event(0, made.parse(wire.asked[0]?.body).metadata));
  });
  const { recorder, kept } = recorderOn(wire);
  await recorder.note(transition, record);
  kept.clear();
  await recorder.note(transition, record);
  t.is(methods(wire), 'POST POST GET');
  t.is(kept.get('u-1 Phase'), 'Succeeded');
});

test('words that are old have an Event of their own, whose name follows from the one before', async (t) => {
  const seriesOver = event(7 * 60_000);
  const wire = await onWire(t, inTurn(refusal(409), reply(seriesOver), reply({}, 201)));
  const { recorder } = recorderOn(wire);
  await recorder.note(transition, record);
  const [first, , second] = wire.asked.map(({ body }) => made.safeParse(body).data?.metadata.name);
  t.regex(first ?? '', /^shift\.[0-9a-f]{16}$/);
  t.regex(second ?? '', /^shift\.[0-9a-f]{16}$/);
  t.not(first, second);
});

test('an Event that others write all the time is given up, and nothing is remembered', async (t) => {
  const wire = await onWire(t, ({ method }) =>
    method === 'GET' ? reply(event(0)) : refusal(409, 'stale'),
  );
  const { recorder, kept } = recorderOn(wire);
  await t.throwsAsync(recorder.note(transition, record), {
    code: 'CLV_OVERLOADED',
    message: /the Event shop\/shift\.[0-9a-f]{16} is written to by others all the time/,
  });
  t.is(wire.asked.length, 150);
  t.is(kept.size, 0);
});

const leaving = refusal(403, 'because it is being terminated', {
  causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace', message: 'no' }],
});

for (const [what, answer] of Object.entries({ leaving, gone: refusal(404, 'no namespace') })) {
  test(`a namespace that is ${what} keeps no record, and the transition is told no second time`, async (t) => {
    const wire = await onWire(t, () => answer);
    const { recorder, kept } = recorderOn(wire);
    await recorder.note(transition, record);
    t.is(methods(wire), 'POST');
    t.is(kept.get('u-1 Phase'), 'Succeeded');
  });
}

test('what is refused for good is told, and nothing is remembered', async (t) => {
  const wire = await onWire(
    t,
    inTurn(refusal(403, 'may not'), refusal(409), refusal(403, 'nor read')),
  );
  const { recorder, kept } = recorderOn(wire);
  for (const message of ['may not', 'nor read']) {
    await t.throwsAsync(recorder.note(transition, record), {
      code: 'CLV_KUBERNETES_FORBIDDEN',
      message,
    });
  }
  t.is(kept.size, 0);
});
