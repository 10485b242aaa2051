import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'ava';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { noTelemetry } from '../../../functions/host/telemetry.ts';
import { renderInstallation } from '../../../knative/render/render-installation.ts';
import { installationOf } from '../../knative/render/installations.ts';
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

test('what is kept is counted by its trigger and the last answer of the function, and nothing else is', async (t) => {
  const counted: unknown[] = [];
  let takes = true;
  const url = await serveReceiver(
    t,
    {
      add: async () => {
        if (!takes)
          throw new CloverError('CLV_ANALYTICS_UNAVAILABLE', 'ClickHouse does not answer');
      },
    },
    { ...noTelemetry, count: (...what) => counted.push(what) },
  );
  const at = `${url}/deadletters/policy-trafficpolicy-added`;
  await send(at, failed(eventOf(), 422, 'why'));
  await send(at, eventOf());
  await send(at, failed(eventOf(), -1, 'a code that is no status of HTTP'));
  takes = false;
  await send(at, failed(eventOf(), 422, 'why'));
  await send(`${url}/deadletters/Policy`, eventOf());
  const name = 'clover.dead_letters.received';
  t.deepEqual(counted, [
    [name, 1, { trigger: 'policy-trafficpolicy-added', reason: '422' }],
    [name, 1, { trigger: 'policy-trafficpolicy-added', reason: 'none' }],
    [name, 1, { trigger: 'policy-trafficpolicy-added', reason: 'none' }],
  ]);
});

test('what is refused for good is counted, and the log names it; as much as an object of the API server may have is kept', async (t) => {
  const counted: unknown[] = [];
  const lines: unknown[] = [];
  const url = await serveReceiver(
    t,
    { add: async () => undefined },
    { ...noTelemetry, count: (...what) => counted.push(what) },
    { error: (...what: readonly unknown[]) => lines.push(what) },
  );
  const at = `${url}/deadletters/policy-trafficpolicy-added`;
  const most = 2 * 1024 * 1024;
  t.is((await send(at, eventOf({ data: Buffer.alloc(most) }))).status, 202);
  counted.length = 0;
  const large = eventOf({ id: 'large', data: Buffer.alloc(most + 1) });
  t.is((await send(at, failed(large, 422, 'why'))).status, 413);
  t.is((await fetch(at, { method: 'POST', body: '{}' })).status, 400);
  const name = 'clover.dead_letters.refused';
  t.deepEqual(counted, [
    [name, 1, { trigger: 'policy-trafficpolicy-added', cause: 'body' }],
    [name, 1, { trigger: 'policy-trafficpolicy-added', cause: 'invalid' }],
  ]);
  const { type, source, id } = large;
  const named = {
    'ce-type': type,
    'ce-source': source,
    'ce-id': id,
    'content-length': `${most + 1}`,
  };
  t.like(lines, [
    [{ trigger: 'policy-trafficpolicy-added', ...named }],
    [{ trigger: 'policy-trafficpolicy-added', 'content-length': '2' }],
  ]);
});

test('every name that Clover gives to a sender is a label, and any other one is `other`', async (t) => {
  const counted: unknown[] = [];
  const lines: unknown[] = [];
  const url = await serveReceiver(
    t,
    { add: async () => undefined },
    { ...noTelemetry, count: (_, __, labels) => counted.push(labels?.['trigger']) },
    { error: (...what: readonly unknown[]) => lines.push(what) },
  );
  const rendered = JSON.stringify(renderInstallation(installationOf({})));
  const names = [
    ...new Set([...rendered.matchAll(/"\/deadletters\/([^"]+)"/g)].map(([, name]) => name)),
  ];
  t.true(names.length > 5);
  for (const name of names) await send(`${url}/deadletters/${name}`, eventOf());
  t.deepEqual(counted, names);
  counted.length = 0;
  for (const name of ['a', 'b']) await send(`${url}/deadletters/${name}`, eventOf());
  await fetch(`${url}/deadletters/c`, { method: 'POST', body: '{}' });
  t.deepEqual(counted, ['other', 'other', 'other']);
  t.like(lines, [[{ trigger: 'c' }]], 'the log names it');
});

test('an event whose sender breaks off is not lost: it comes again', async (t) => {
  const told: unknown[] = [];
  const url = await serveReceiver(
    t,
    { add: async () => undefined },
    { ...noTelemetry, count: (...what) => told.push(what) },
    { error: (...what: readonly unknown[]) => told.push(what) },
  );
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.end(
    'POST /deadletters/on-a HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nhalf',
  );
  await once(socket.resume(), 'close');
  // The next one is answered after all that came of the first one.
  t.is((await send(`${url}/deadletters/on-a`, eventOf())).status, 202);
  t.is(told.length, 1, 'only the one that is kept');
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
