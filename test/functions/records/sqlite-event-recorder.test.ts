import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { RecordInput } from '../../../functions/records/event-recorder.ts';
import { createSqliteEventRecorder } from '../../../functions/records/sqlite-event-recorder.ts';
import { kubernetesEventList } from '../../../knative/kubernetes-event.ts';
import { holdToVersions, storedFile } from '../lib/stored-file.ts';

const object = (kind: string, name: string) => ({
  apiVersion: 'clover.dev/v1alpha1',
  kind,
  namespace: 'default',
  name,
  uid: `uid-of-${name}`,
});

const input = (members: Partial<RecordInput> = {}): RecordInput => ({
  type: 'Normal',
  reason: 'ExperimentStarted',
  action: 'Start',
  note: 'it has begun',
  regarding: object('Experiment', 'exp'),
  ...members,
});

async function setUp(t: ExecutionContext, limits: { maxAgeMs?: number; maxRecords?: number } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'clover-records-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const time = { now: 1_800_000_000_123 };
  const path = join(folder, 'records.db');
  const open = () =>
    createSqliteEventRecorder({
      path,
      clock: { now: () => time.now, sleep: async () => undefined },
      instance: 'test',
      ...limits,
    });
  return { time, open, path };
}

test('a record has the fields of events.k8s.io/v1, and survives a restart', async (t) => {
  const { open } = await setUp(t);
  let recorder = open();
  await recorder.note(
    { uid: 'u', what: 'Started', to: '1' },
    input({ related: object('ExperimentRun', 'exp-1') }),
  );
  await recorder.close();
  recorder = open();
  t.is(await recorder.noted('u', 'Started'), '1');
  const list = kubernetesEventList.parse(await recorder.list({}));
  await recorder.close();
  const [event] = list.items;
  t.is(list.items.length, 1);
  t.is(event?.eventTime, '2027-01-15T08:00:00.123000Z');
  t.is(event?.metadata.creationTimestamp, '2027-01-15T08:00:00Z');
  t.regex(event?.metadata.name ?? '', /^exp\.[0-9a-f]{8}$/);
  t.is(event?.reportingController, 'clover.dev/notify');
  t.is(event?.series, undefined);
});

test('the same words make a series', async (t) => {
  const { open, time } = await setUp(t);
  const recorder = open();
  t.teardown(() => recorder.close());
  await recorder.note({ uid: 'u', what: 'w', to: '1' }, input());
  time.now += 5_000;
  await recorder.note({ uid: 'u', what: 'w', to: '2' }, input());
  await recorder.note({ uid: 'u', what: 'w', to: '3' }, input({ note: 'others' }));
  const { items } = await recorder.list({});
  t.deepEqual(
    items.map(({ note, series }) => [note, series?.count, series?.lastObservedTime]),
    [
      ['others', undefined, undefined],
      ['it has begun', 2, '2027-01-15T08:00:05.123000Z'],
    ],
  );
  t.is(items[1]?.eventTime, '2027-01-15T08:00:00.123000Z');
});

/** A minute after eight of the day that these tests begin at, as MicroTime. */
const at = (minute: number): string =>
  `2027-01-15T08:${String(minute).padStart(2, '0')}:00.000000Z`;

test('a series ends when its words were not seen for six minutes, as in Kubernetes', async (t) => {
  const { open, time } = await setUp(t);
  const recorder = open();
  t.teardown(() => recorder.close());
  const minutes = [0, 5, 11, 18, 19, 40];
  for (const minute of minutes) {
    time.now = 1_800_000_000_000 + minute * 60_000;
    await recorder.note({ uid: 'u', what: 'w', to: String(minute) }, input());
  }
  const { items } = await recorder.list({});
  t.deepEqual(
    items.map(({ eventTime, series }) => [eventTime, series?.count, series?.lastObservedTime]),
    [
      [at(40), undefined, undefined],
      [at(18), 2, at(19)],
      [at(0), 3, at(11)],
    ],
  );
  t.is(new Set(items.map(({ metadata }) => metadata.name)).size, 3);
});

test('a transition may be noted without a record, and is forgotten with its object', async (t) => {
  const { open } = await setUp(t);
  const recorder = open();
  t.teardown(() => recorder.close());
  await recorder.note({ uid: 'u', what: 'w', to: 'quiet' });
  t.is(await recorder.noted('u', 'w'), 'quiet');
  t.is(await recorder.noted('u', 'other'), undefined);
  t.deepEqual((await recorder.list({})).items, []);
  await recorder.forget('u');
  t.is(await recorder.noted('u', 'w'), undefined);
});

test('lists are by object, type, reason and namespace, page by page', async (t) => {
  const { open, time } = await setUp(t);
  const recorder = open();
  t.teardown(() => recorder.close());
  for (let number = 0; number < 7; number += 1) {
    time.now += number % 2;
    await recorder.note(
      { uid: 'u', what: String(number), to: '' },
      input({
        note: `note ${number}`,
        type: number === 3 ? 'Warning' : 'Normal',
        reason: number === 4 ? 'Other' : 'Same',
        regarding: object('Experiment', number < 5 ? 'one' : 'two'),
        ...(number === 6 ? { related: object('ExperimentRun', 'one') } : {}),
      }),
    );
  }
  const notes = async (query: Parameters<typeof recorder.list>[0]) =>
    (await recorder.list(query)).items.map(({ note }) => Number(note.slice(5)));
  t.deepEqual(await notes({}), [6, 5, 4, 3, 2, 1, 0]);
  t.deepEqual(await notes({ object: { name: 'one' } }), [6, 4, 3, 2, 1, 0]);
  t.deepEqual(await notes({ object: { kind: 'ExperimentRun', name: 'one' } }), [6]);
  t.deepEqual(await notes({ object: { uid: 'uid-of-two' } }), [6, 5]);
  t.deepEqual(await notes({ type: 'Warning' }), [3]);
  t.deepEqual(await notes({ reason: 'Other' }), [4]);
  t.deepEqual(await notes({ namespace: 'elsewhere' }), []);
  const paged: string[] = [];
  let next: string | undefined;
  do {
    const { items, metadata } = await recorder.list({
      limit: 2,
      ...(next === undefined ? {} : { continue: next }),
    });
    t.true(items.length <= 2);
    paged.push(...items.map(({ note }) => note));
    next = metadata.continue;
  } while (next !== undefined);
  t.is(paged.length, 7);
  t.is(new Set(paged).size, 7);
  await t.throwsAsync(recorder.list({ continue: "1' OR 1" }), { code: 'CLV_ARGUMENT_INVALID' });
});

test('records go when they are old or too many; what was noted stays', async (t) => {
  const { open, time } = await setUp(t, { maxAgeMs: 1_000, maxRecords: 3 });
  const recorder = open();
  t.teardown(() => recorder.close());
  for (let number = 0; number < 5; number += 1) {
    await recorder.note(
      { uid: 'u', what: String(number), to: 'x' },
      input({ note: `note ${number}` }),
    );
  }
  t.deepEqual(
    (await recorder.list({})).items.map(({ note }) => note),
    ['note 4', 'note 3', 'note 2'],
  );
  time.now += 1_001;
  t.deepEqual((await recorder.list({})).items, []);
  t.is(await recorder.noted('u', '0'), 'x');
});

test('a note is cut at a character, within 1 KiB', async (t) => {
  const { open } = await setUp(t);
  const recorder = open();
  t.teardown(() => recorder.close());
  await recorder.note({ uid: 'u', what: 'w', to: '' }, input({ note: 'ü'.repeat(2_000) }));
  const note = (await recorder.list({})).items[0]?.note ?? '';
  t.true(Buffer.byteLength(note) <= 1_024);
  t.regex(note, /^ü+…$/);
});

test('a watch tells what is written after a version, and goes on from any record of it', async (t) => {
  const { open, time } = await setUp(t);
  const recorder = open();
  t.teardown(() => recorder.close());
  let number = 0;
  const write = (note: string) =>
    recorder.note({ uid: 'u', what: 'w', to: String((number += 1)) }, input({ note }));
  const follow = async (from: string, count: number) => {
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { type, object: record } of recorder.watch(from, { signal: stop.signal })) {
      seen.push(`${type} ${record.note} ${record.series?.count ?? 1}`);
      last = record.metadata.resourceVersion;
      if (seen.length === count) stop.abort();
    }
    return seen;
  };
  let last = '';
  await write('before');
  const start = (await recorder.list({})).metadata.resourceVersion;
  const live = follow(start, 3);
  await turn();
  await write('a');
  await turn();
  await write('b');
  await turn();
  // The same clock, no more than the words: only the version tells that it is new.
  await write('a');
  t.deepEqual(await live, ['ADDED a 1', 'ADDED b 1', 'MODIFIED a 2']);
  t.is(last, (await recorder.list({})).metadata.resourceVersion);
  t.deepEqual(await follow(start, 2), ['ADDED b 1', 'MODIFIED a 2']);
  t.deepEqual(await follow('0', 3), ['ADDED before 1', 'ADDED b 1', 'MODIFIED a 2']);
  time.now += 7 * 60_000;
  await write('a');
  t.deepEqual(await follow(last, 1), ['ADDED a 1'], 'another series');
});

test('a watch from where records are forgotten, or were never, is refused; an open one ends with the recorder', async (t) => {
  const { open } = await setUp(t, { maxRecords: 2 });
  let recorder = open();
  for (let each = 0; each < 5; each += 1) {
    await recorder.note({ uid: 'u', what: 'w', to: String(each) }, input({ note: `${each}` }));
  }
  const { signal } = new AbortController();
  await recorder.close();
  recorder = open();
  for (const from of ['0', '2', '6']) {
    t.throws(() => recorder.watch(from, { signal }), { code: 'CLV_RESOURCE_GONE' }, from);
  }
  t.throws(() => recorder.watch('x', { signal }), { code: 'CLV_ARGUMENT_INVALID' });
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { object: record } of recorder.watch('3', { signal })) seen.push(record.note);
  })();
  await turn();
  await recorder.close();
  await watching;
  t.deepEqual(seen, ['3', '4']);
});

test('records of a file of before there were watches are told in their order', async (t) => {
  const { open, path } = await setUp(t);
  let recorder = open();
  for (const note of ['one', 'two']) {
    await recorder.note({ uid: 'u', what: 'w', to: note }, input({ note }));
  }
  await recorder.close();
  const db = new DatabaseSync(path);
  db.exec(`DROP TRIGGER forget_record; DROP TABLE forgotten_records; DROP TABLE record_changes;
    PRAGMA user_version = 0;`);
  db.close();
  recorder = open();
  t.teardown(() => recorder.close());
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const { object: record } of recorder.watch('0', { signal: stop.signal })) {
    seen.push(record.note);
    if (seen.length === 2) stop.abort();
  }
  t.deepEqual(seen, ['one', 'two']);
});

test('a file of before files had versions is read, and one of a newer Clover is refused', async (t) => {
  const unversioned = new URL('fixtures/unversioned.sql', import.meta.url);
  const clock = { now: () => 1_800_000_000_123, sleep: async () => undefined };
  await holdToVersions(t, unversioned, (path) =>
    createSqliteEventRecorder({ path, clock, instance: 'test' }),
  );
  const path = await storedFile(t, await readFile(unversioned, 'utf8'));
  const recorder = createSqliteEventRecorder({ path, clock, instance: 'test' });
  const { items } = kubernetesEventList.parse(await recorder.list({}));
  t.deepEqual(
    items.map(({ metadata, note }) => [metadata.resourceVersion, note]),
    [['1', 'it has begun']],
  );
  t.is(await recorder.noted('u', 'Started'), '1');
  await recorder.close();
});
