import test from 'ava';
import {
  createApiClient,
  type ApiClient,
  type ApplyDocument,
} from '../../../functions/api/client.ts';
import type { ApplyInput } from '../../../functions/resources/store.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { eventOf } from '../host/helpers.ts';
import { examples } from '../resources/examples.ts';
import { rows, startApi, type ApiServer } from './server.ts';

const clientOf = ({ url, token }: ApiServer): ApiClient => createApiClient({ url, token });
const tap = (port: number): ApplyDocument & ApplyInput => ({
  ...examples.Tap,
  spec: { ports: [port] },
});

test('the client applies, reads, lists and deletes', async (t) => {
  const client = clientOf(await startApi(t));
  const planned = await client.apply(examples.Tap, { dryRun: true });
  t.is(planned.outcome, 'created');
  t.is(planned.object.metadata.resourceVersion, '');
  t.is((await client.apply(examples.Tap)).outcome, 'created');
  t.is((await client.apply(examples.Tap)).outcome, 'unchanged');
  t.is((await client.apply(tap(81), { dryRun: true })).outcome, 'configured');
  t.deepEqual((await client.get('Tap', 'shop', 'web'))?.spec.ports, [80, 8080]);
  t.is(await client.get('Tap', 'shop', 'none'), undefined);
  t.is((await client.list('Tap')).items[0]?.metadata.name, 'web');
  t.is((await client.delete('Tap', 'shop', 'web')).metadata.name, 'web');
  t.deepEqual((await client.list('Tap', 'shop')).items, []);
});

test('the client asks the questions', async (t) => {
  const api = await startApi(t);
  const client = clientOf(api);
  t.deepEqual(await client.red({ from: 1, to: 2 }), rows.red);
  t.deepEqual(api.asked(), { from: 1, to: 2 });
  t.deepEqual(await client.storedArms(), rows.arms);
  t.deepEqual(await client.evidenceTotals(), rows.totals);
  const { version, apiVersion } = await client.version();
  t.deepEqual([version, apiVersion], ['1.2.3', 'clover.dev/v1alpha1']);
  t.deepEqual(await client.status(), { api: { watches: 0 }, broker: { depth: 3 } });
  await t.throwsAsync(client.looks('shop', 'r1'), { code: 'CLV_NOT_FOUND' });
  const plan = examples.Experiment.spec;
  const experiment = { name: 'try-v2', uid: 'u', generation: 1 };
  const metadata = { name: 'r1', namespace: 'shop' };
  await api.store.applySpec(
    { kind: 'ExperimentRun', metadata, spec: { experiment, plan } },
    { manager: 'test' },
  );
  t.deepEqual(await client.looks('shop', 'r1'), rows.looks);
});

test("the server's errors arrive with code and details", async (t) => {
  const api = await startApi(t);
  const error = await t.throwsAsync(clientOf(api).apply(tap(0)), { code: 'CLV_RESOURCE_INVALID' });
  t.like(error, { details: [{ field: 'spec.ports[0]' }], status: 422 });
  const stranger = createApiClient({ url: api.url, token: 'wrong' });
  await t.throwsAsync(stranger.list('Tap'), { code: 'CLV_UNAUTHORIZED' });
});

test('a control plane that does not run is named with the way to start it', async (t) => {
  const api = await startApi(t);
  await api.stop();
  const error = await t.throwsAsync(clientOf(api).list('Tap'), {
    code: 'CLV_CONTROL_PLANE_UNREACHABLE',
  });
  t.regex(error.message, /no control plane answers at http:\/\/127.*cloverctl up/);
});

test('a watch goes on over a restart of the server and over forgotten changes', async (t) => {
  const api = await startApi(t, { keepChanges: 2 });
  const client = clientOf(api);
  await client.apply(tap(1));
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const { type, object } of client.watch('Tap', { signal: stop.signal })) {
    seen.push(`${type} ${object.metadata.resourceVersion}`);
    if (seen.length === 1) await client.apply(tap(2));
    if (seen.length === 2) {
      await api.stop();
      for (const port of [3, 4, 5, 6]) {
        await api.store.applySpec(tap(port), { manager: 'test' });
      }
      await api.start();
    }
    if (seen.length === 3) {
      await api.stop();
      await api.store.delete('Tap', 'shop', 'web');
      await api.start();
    }
    if (seen.length === 4) stop.abort();
  }
  t.deepEqual(seen, ['ADDED 1', 'MODIFIED 2', 'MODIFIED 6', 'DELETED 7']);
});

test('the client walks through dead letters, and replays and drops them', async (t) => {
  const api = await startApi(t);
  const client = clientOf(api);
  for (const trigger of ['a', 'b', 'a']) api.broker.bury(eventOf(), trigger);
  const first = await client.deadLetters({ limit: 2 });
  t.deepEqual(
    first.items.map(({ id, trigger, attempts }) => ({ id, trigger, attempts })),
    [
      { id: 3, trigger: 'a', attempts: 3 },
      { id: 2, trigger: 'b', attempts: 3 },
    ],
  );
  const second = await client.deadLetters({ limit: 2, before: first.next });
  t.deepEqual([second.items.map(({ id }) => id), second.next], [[1], undefined]);
  t.is((await client.deadLetters({ trigger: 'b' })).items.length, 1);
  t.is((await client.deadLetter(3))?.event.type, 'test.event');
  await client.replayDeadLetter(3);
  await client.dropDeadLetter(2);
  t.deepEqual(api.broker.replayed, [3]);
  t.is(await client.deadLetter(3), undefined);
  await t.throwsAsync(client.replayDeadLetter(3), { code: 'CLV_NOT_FOUND' });
  await t.throwsAsync(client.dropDeadLetter(2), { code: 'CLV_NOT_FOUND' });
});

test('the tail of events goes on after a restart of the server', async (t) => {
  const api = await startApi(t);
  const stop = new AbortController();
  const seen: string[] = [];
  // Whoever tails sees what is taken from then on: so it is sent until it is seen.
  const sending = (async () => {
    for (let id = 0; !stop.signal.aborted; id += 1) {
      await api.broker.publish(eventOf({ id: String(id) }));
      await systemClock.sleep(10);
    }
  })();
  let resumed = 0;
  const onResume = () => (resumed += 1);
  for await (const { event } of clientOf(api).tailEvents({ signal: stop.signal, onResume })) {
    seen.push(event.id);
    t.is(resumed > 0, seen.length === 2, 'it is said that events may be missing');
    if (seen.length === 1) {
      await api.stop();
      await api.start();
    }
    if (seen.length === 2) stop.abort();
  }
  await sending;
  t.is(seen.length, 2);
});

test('the client follows the live view, and ends when it is told to', async (t) => {
  const stop = new AbortController();
  const api = await startApi(t);
  let views = 0;
  for await (const { broker } of clientOf(api).live({ signal: stop.signal })) {
    t.is(broker['depth'], 3);
    views += 1;
    if (views === 3) stop.abort();
  }
  t.is(views, 3);
});

test('the client reads the records, of all namespaces or one, and the document', async (t) => {
  const client = clientOf(await startApi(t));
  t.is((await client.events()).length, 2);
  t.deepEqual(
    (await client.events({ namespace: 'shop', name: 'try-v2' })).map(({ reason }) => reason),
    ['Passed'],
  );
  t.like(await client.openapi(), { openapi: '3.1.0' });
});

test('the client writes and deletes under preconditions', async (t) => {
  const client = clientOf(await startApi(t));
  const { object } = await client.apply(tap(1), { ifVersion: '' });
  await t.throwsAsync(client.apply(tap(2), { ifVersion: '' }), { code: 'CLV_PRECONDITION_FAILED' });
  const { resourceVersion, uid } = object.metadata;
  await client.apply(tap(2), { ifVersion: resourceVersion });
  const stale = { ...tap(3), metadata: { ...tap(3).metadata, resourceVersion } };
  await t.throwsAsync(client.apply(stale), { code: 'CLV_CONFLICT' });
  await t.throwsAsync(client.delete('Tap', 'shop', 'web', { resourceVersion }), {
    code: 'CLV_CONFLICT',
  });
  await client.delete('Tap', 'shop', 'web', { uid, dryRun: true });
  t.is((await client.delete('Tap', 'shop', 'web', { uid })).metadata.uid, uid);
});
