import { randomBytes, randomUUID } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { createClickHouseTransitions } from '../../../functions/records/clickhouse-transitions.ts';
import type {
  EventRecorder,
  RecordChange,
  RecordInput,
} from '../../../functions/records/event-recorder.ts';
import { createKubernetesEventRecorder } from '../../../functions/records/kubernetes-event-recorder.ts';
import {
  createKubernetesEvents,
  type KubernetesEvents,
} from '../../../functions/records/kubernetes-events.ts';
import { createKubeClient } from '../../../functions/resources/kubernetes/client.ts';
import { kubeconfigConnection } from '../../../functions/resources/kubernetes/kubeconfig.ts';
import { sharedByFile } from '../../cluster/shared-by-file.ts';
import { withCluster } from '../../cluster/with-cluster.ts';
import { log, startTestClickHouse } from '../analytics/start.ts';
import { verdictRecord } from './examples.ts';

const { serial, started } = await sharedByFile(async (t) => {
  const [tier, clickhouse] = await Promise.all([withCluster(t), startTestClickHouse()]);
  t.teardown(() => clickhouse.remove());
  const client = createKubeClient(await kubeconfigConnection(tier.kubeconfig));
  return { client, clickhouse };
});

interface Opened {
  readonly recorder: Pick<EventRecorder, 'noted' | 'note' | 'forget'>;
  readonly events: KubernetesEvents;
  readonly namespace: string;
  readonly clock: { now: () => number; at: number };
  readonly record: (given?: Partial<RecordInput>) => RecordInput;
}

async function open(t: ExecutionContext): Promise<Opened> {
  const { client, clickhouse } = await started;
  const { url, username, password } = clickhouse.server();
  const id = randomBytes(4).toString('hex');
  const namespace = `records-${id}`;
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await client.call({ method: 'POST', path: '/api/v1/namespaces', body });
  const transitions = createClickHouseTransitions(
    { url, username, password, database: `t_${id}` },
    { log },
  );
  const events = createKubernetesEvents(client);
  t.teardown(async () => {
    await Promise.all([transitions.close(), events.close()]);
  });
  const clock = { at: Date.now(), now: () => clock.at };
  const uid = randomUUID();
  return {
    recorder: createKubernetesEventRecorder({ client, transitions, clock, instance: 'test' }),
    events,
    namespace,
    clock,
    record: (given = {}) => ({ ...verdictRecord(namespace, uid), ...given }),
  };
}

const change = (to: string, uid = 'u') => ({ uid, what: 'Phase', to });

serial('a transition is remembered, and forgotten with its object', async (t) => {
  const { recorder } = await open(t);
  t.is(await recorder.noted('u', 'Phase'), undefined);
  await recorder.note(change('a'));
  await recorder.note(change('b'));
  await recorder.note(change('other', 'v'));
  t.is(await recorder.noted('u', 'Phase'), 'b');
  t.is(await recorder.noted('u', 'Ready'), undefined);
  await recorder.forget('u');
  await recorder.forget('u');
  t.is(await recorder.noted('u', 'Phase'), undefined);
  t.is(await recorder.noted('v', 'Phase'), 'other');
});

serial('a namespace that is being deleted is no reason to tell a transition twice', async (t) => {
  const { recorder, record, namespace, events } = await open(t);
  const { client } = await started;
  const configMaps = `/api/v1/namespaces/${namespace}/configmaps`;
  const metadata = { name: 'held', finalizers: ['clover.test/held'] };
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
  await client.call({ method: 'POST', path: configMaps, body });
  await client.call({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
  await recorder.note(change('a'), record());
  t.is(await recorder.noted('u', 'Phase'), 'a');
  t.deepEqual((await events.list({ namespace })).items, []);
  const letGo = { metadata: { finalizers: null } };
  const contentType = 'application/merge-patch+json';
  await client.call({ method: 'PATCH', path: `${configMaps}/held`, contentType, body: letGo });
});

serial(
  'a record is an Event of the object, and the same words soon after are its series',
  async (t) => {
    const { recorder, events, namespace, clock, record } = await open(t);
    const { client } = await started;
    await recorder.note(change('1'), record());
    clock.at += 60_000;
    await recorder.note(change('2'), record());
    await recorder.note(change('3'), record({ reason: 'VerdictFail', type: 'Warning' }));
    const { items } = await events.list({ namespace });
    const told = items.map(({ reason, series, type }) => `${reason} ${type} ${series?.count ?? 1}`);
    t.deepEqual(told.toSorted(), ['VerdictFail Warning 1', 'VerdictPass Normal 2']);
    const passed = items.find(({ reason }) => reason === 'VerdictPass');
    t.is(Date.parse(passed?.series?.lastObservedTime ?? ''), clock.at);
    // As `kubectl describe` asks for them: by the object, in the group where they have been for longer.
    const query = { fieldSelector: `involvedObject.uid=${passed?.regarding.uid}` };
    const path = `/api/v1/namespaces/${namespace}/events`;
    t.like(await client.call({ method: 'GET', path, query }), { items: { length: 2 } });
  },
);

serial('a transition that comes again, or from two at a time, is counted once', async (t) => {
  const { recorder, events, namespace, record } = await open(t);
  await recorder.note(change('1'), record());
  await recorder.note(change('1'), record());
  t.is((await events.list({ namespace })).items[0]?.series, undefined);
  await Promise.all(['2', '3', '4'].map((to) => recorder.note(change(to), record())));
  t.is((await events.list({ namespace })).items[0]?.series?.count, 4);
});

serial('words that were not seen for six minutes begin a series of their own', async (t) => {
  const { recorder, events, namespace, clock, record } = await open(t);
  for (const to of ['1', '2', '3']) {
    await recorder.note(change(to), record());
    clock.at += 7 * 60_000;
  }
  clock.at -= 6 * 60_000;
  await recorder.note(change('4'), record());
  const { items } = await events.list({ namespace });
  t.deepEqual(
    items.map(({ series }) => series?.count),
    [2, undefined, undefined],
  );
  t.is(new Set(items.map(({ metadata }) => metadata.name)).size, 3);
});

serial('records are listed newest first, in pages, by what they are about', async (t) => {
  const { recorder, events, namespace, clock, record } = await open(t);
  const related = { ...record().regarding, kind: 'TrafficPolicy', name: 'proxy', uid: 'other' };
  for (const [index, note] of ['a', 'b', 'c', 'd'].entries()) {
    clock.at += 1_000;
    const given = note === 'c' ? { note, related } : { note };
    await recorder.note(change(String(index)), record(given));
  }
  const notes = async (query: Parameters<typeof events.list>[0]) =>
    (await events.list({ namespace, ...query })).items.map(({ note }) => note);
  t.deepEqual(await notes({}), ['d', 'c', 'b', 'a']);
  t.deepEqual(await notes({ object: { kind: 'TrafficPolicy' } }), ['c']);
  t.deepEqual(await notes({ reason: 'Succeeded' }), []);
  const first = await events.list({ namespace, limit: 3 });
  t.is(first.items.length, 3);
  t.deepEqual(await notes({ continue: first.metadata.continue ?? '' }), ['a']);
  await t.throwsAsync(events.list({ continue: 'x' }), { code: 'CLV_ARGUMENT_INVALID' });
});

serial('a watch tells what is written after a list, and nothing of others', async (t) => {
  const { recorder, events, namespace, record } = await open(t);
  const { client } = await started;
  const { metadata } = await events.list({ namespace });
  await client.call({
    method: 'POST',
    path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
    body: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'foreign', namespace },
      eventTime: new Date().toISOString().replace('Z', '000Z'),
      reportingController: 'example.com/other',
      reportingInstance: 'x',
      action: 'Other',
      reason: 'Other',
      regarding: record().regarding,
      type: 'Normal',
    },
  });
  await recorder.note(change('1'), record());
  await recorder.note(change('2'), record());
  const told: RecordChange[] = [];
  const { signal } = new AbortController();
  for await (const each of events.watch(metadata.resourceVersion, { signal })) {
    told.push(each);
    if (told.length === 2) break;
  }
  t.deepEqual(
    told.map(({ type, object: { reason, series } }) => [type, reason, series?.count]),
    [
      ['ADDED', 'VerdictPass', undefined],
      ['MODIFIED', 'VerdictPass', 2],
    ],
  );
});
