import test from 'ava';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { eventOf } from '../host/helpers.ts';
import { failed, send, serveReceiver } from './knative.ts';

test('an event is answered once it is kept, in binary and in structured mode', async (t) => {
  const kept: [string, CloudEvent][] = [];
  const release = Promise.withResolvers<void>();
  const url = await serveReceiver(t, {
    add: async (trigger, event) => {
      await release.promise;
      kept.push([trigger, event]);
    },
  });
  const letter = failed(eventOf(), 400, 'why');
  const answer = send(`${url}/deadletters/policy-trafficpolicy-added`, letter);
  release.resolve();
  t.is((await answer).status, 202);
  const { extensions, data: _, ...attributes } = letter;
  const structured = await fetch(`${url}/deadletters/clover`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({ ...attributes, ...extensions }),
  });
  t.is(structured.status, 202);
  t.deepEqual(kept[0], ['policy-trafficpolicy-added', letter]);
  t.like(kept[1]?.[1], { id: '1', extensions });
});

test('what cannot be kept now is answered so that it comes again', async (t) => {
  const url = await serveReceiver(t, {
    add: async () => {
      throw new CloverError('CLV_ANALYTICS_UNAVAILABLE', 'ClickHouse does not answer');
    },
  });
  t.is((await send(`${url}/deadletters/on-a`, eventOf())).status, 503);
});

test('what is no dead letter is refused, and nothing is kept', async (t) => {
  const url = await serveReceiver(t, { add: async () => t.fail() });
  const at = `${url}/deadletters/on-a`;
  const batch = { 'content-type': 'application/cloudevents-batch+json' };
  for (const [status, answer] of [
    [404, send(`${url}/deadletters`, eventOf())],
    [404, send(`${url}/deadletters/On_A`, eventOf())],
    [405, fetch(at)],
    [400, fetch(at, { method: 'POST', body: '{}' })],
    [413, send(at, eventOf({ data: Buffer.alloc(2 * 1024 * 1024 + 1) }))],
    [415, fetch(at, { method: 'POST', headers: batch, body: '[]' })],
  ] as const) {
    t.is((await answer).status, status);
  }
});
