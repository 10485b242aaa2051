import test, { type ExecutionContext } from 'ava';
import type { Schedule } from '../../../knative/catalogue.ts';
import { eventTypes, resourceChanges, ticked } from '../../../knative/events.ts';
import { on } from '../../../functions/host/event-handler.ts';
import type { CloverFunction } from '../../../functions/host/function.ts';
import { onTick } from '../../../functions/host/on-tick.ts';
import { onKnative, withOwnTicks } from '../../../functions/host/own-ticks.ts';
import { eventOf, handle } from './helpers.ts';
import { onWire, refusal, reply, type Answer } from '../resources/kubernetes/wire.ts';

const look: Schedule = { name: 'judge-look', schedule: '* * * * * *' };
const sources = '/apis/sources.knative.dev/v1/namespaces/clover/pingsources';
const owner = '/apis/serving.knative.dev/v1/namespaces/clover/services/judge';
const change = {
  apiVersion: 'clover.dev/v1alpha1',
  kind: 'Experiment',
  namespace: 'shop',
  name: 'shift',
  uid: 'u-2',
  resourceVersion: '7',
};

interface Stage {
  active: boolean;
  /** What the function does with the change of a resource. */
  onChange: () => Promise<void>;
  /** What a write of a PingSource is answered. */
  written: Answer;
  /** What a deletion is answered. Default: as any write. */
  removed: Answer | undefined;
  /** What is answered when one is read. */
  read: Answer;
  /** How long it waited for one that goes, in milliseconds; what happens meanwhile. */
  readonly waits: number[];
  meanwhile: () => void;
  /** Requests, but for those that only read. */
  readonly writes: () => readonly string[];
  readonly body: () => unknown;
  readonly changed: () => Promise<void>;
  readonly tick: (schedule: string) => Promise<void>;
}

async function stageOf(t: ExecutionContext): Promise<Stage> {
  const { client, asked } = await onWire(t, ({ method, path }) =>
    method === 'GET' && path === owner
      ? reply({ metadata: { name: 'judge', uid: 'u-1', labels: {} } })
      : method === 'GET'
        ? stage.read
        : ((method === 'DELETE' ? stage.removed : undefined) ?? stage.written),
  );
  const fn: CloverFunction = {
    name: 'judge',
    handlers: [on(resourceChanges.updated, () => stage.onChange()), onTick(async () => undefined)],
    isActive: async (schedule) => schedule === look.name && stage.active,
  };
  const sleep = async (ms: number): Promise<void> => {
    stage.waits.push(ms);
    stage.meanwhile();
  };
  const clock = { sleep };
  const ticking = withOwnTicks(fn, { client, namespace: 'clover', schedules: [look], clock });
  const deliver = async (type: string, source: string, data: object): Promise<void> => {
    const time = '2026-11-26T12:00:00Z';
    await handle(ticking, eventOf({ type, source, time, data: Buffer.from(JSON.stringify(data)) }));
  };
  const writes = () => asked.filter(({ method }) => method !== 'GET');
  const stage: Stage = {
    active: false,
    onChange: async () => undefined,
    written: reply({}),
    removed: undefined,
    read: refusal(404),
    waits: [],
    meanwhile: () => undefined,
    writes: () => writes().map(({ method, path }) => `${method} ${path}`),
    body: () => writes().at(-1)?.body,
    changed: () => deliver(eventTypes.resourceUpdated, '/apiserver', change),
    tick: (schedule) =>
      deliver(ticked.type, `/apis/v1/namespaces/clover/pingsources/${schedule}`, {}),
  };
  return stage;
}

test('a schedule ticks from when it is active until it is not', async (t) => {
  const stage = await stageOf(t);
  await stage.changed();
  t.deepEqual(stage.writes(), [`DELETE ${sources}/judge-look`], 'one may be left from before');
  stage.active = true;
  await stage.changed();
  await stage.tick('judge-look');
  t.deepEqual(stage.writes().slice(1), [`POST ${sources}`], 'once');
  stage.active = false;
  await stage.tick('judge-look');
  t.deepEqual(stage.writes().slice(2), [`DELETE ${sources}/judge-look`]);
});

test('the PingSource sends to the function, and goes with its Service', async (t) => {
  const stage = await stageOf(t);
  stage.active = true;
  await stage.changed();
  t.like(stage.body(), {
    kind: 'PingSource',
    metadata: {
      name: 'judge-look',
      namespace: 'clover',
      ownerReferences: [{ kind: 'Service', name: 'judge', uid: 'u-1' }],
    },
    spec: { schedule: '* * * * * *', sink: { ref: { kind: 'Service', name: 'judge' } } },
  });
});

/** Of the one that ticks for it, as the API server has it. */
const spec = {
  schedule: '* * * * * *',
  sink: {
    ref: { kind: 'Service', name: 'judge', namespace: 'clover' },
    audience: 'serving.knative.dev/service/clover/judge',
  },
};

test('what is there already, or gone already, is no failure', async (t) => {
  const stage = await stageOf(t);
  stage.written = refusal(409);
  stage.read = reply({ metadata: { name: 'judge-look' }, spec });
  stage.active = true;
  await stage.changed();
  await stage.tick('judge-look');
  t.deepEqual(stage.writes(), [`POST ${sources}`], 'it ticks');
  t.deepEqual(stage.waits, []);
  stage.written = refusal(404);
  stage.active = false;
  await t.notThrowsAsync(stage.changed());
});

test('one that a version before made otherwise is made anew', async (t) => {
  for (const before of [
    { ...spec, schedule: '*/5 * * * * *' },
    { ...spec, sink: { ref: spec.sink.ref } },
  ]) {
    const stage = await stageOf(t);
    stage.written = refusal(409);
    stage.removed = reply({});
    stage.read = reply({ metadata: { name: 'judge-look' }, spec: before });
    stage.meanwhile = () => {
      stage.written = reply({});
    };
    stage.active = true;
    await stage.changed();
    const [post, remove] = [`POST ${sources}`, `DELETE ${sources}/judge-look`];
    t.deepEqual(stage.writes(), [post, remove, post]);
  }
});

const leaving = reply({
  metadata: { name: 'judge-look', deletionTimestamp: '2026-11-26T12:00:00Z' },
  spec: {},
});

test('one that is still being deleted is waited for, and made anew', async (t) => {
  const stage = await stageOf(t);
  stage.written = refusal(409);
  stage.read = leaving;
  stage.meanwhile = () => {
    // Gone between the write and the look, then gone before the write.
    if (stage.waits.length === 2) stage.read = refusal(404);
    if (stage.waits.length === 3) stage.written = reply({});
  };
  stage.active = true;
  await stage.changed();
  await stage.tick('judge-look');
  t.is(stage.waits.length, 3);
  t.deepEqual(
    stage.writes(),
    Array.from({ length: 4 }, () => `POST ${sources}`),
  );
});

test('one that does not go fails the event, which is sent again', async (t) => {
  const stage = await stageOf(t);
  stage.written = refusal(409);
  stage.read = leaving;
  stage.active = true;
  await t.throwsAsync(stage.changed(), {
    code: 'CLV_OVERLOADED',
    message: 'the PingSource judge-look of before is still being deleted',
  });
  const tried = stage.writes().length;
  stage.written = reply({});
  await stage.changed();
  t.is(stage.writes().length, tried + 1, 'it is not taken for made');
});

test('a write that fails fails the event, and is tried with the next one', async (t) => {
  const stage = await stageOf(t);
  stage.written = refusal(403, 'pingsources is forbidden');
  stage.active = true;
  await t.throwsAsync(stage.changed(), { message: /forbidden/ });
  stage.written = reply({});
  await stage.changed();
  t.deepEqual(stage.writes(), [`POST ${sources}`, `POST ${sources}`]);
});

test('another schedule makes good what another process has undone', async (t) => {
  const stage = await stageOf(t);
  stage.active = true;
  await stage.changed();
  await stage.tick('judge-resync');
  t.deepEqual(stage.writes(), [`POST ${sources}`, `POST ${sources}`]);
});

test('an event that fails starts ticks as well, and fails with its own reason', async (t) => {
  const stage = await stageOf(t);
  stage.active = true;
  stage.onChange = async () => {
    throw new Error('the webhook of the mesh is down');
  };
  await t.throwsAsync(stage.changed(), { message: /mesh is down/ });
  t.deepEqual(stage.writes(), [`POST ${sources}`]);
  stage.active = false;
  stage.written = refusal(403, 'pingsources is forbidden');
  await t.throwsAsync(stage.changed(), { message: /mesh is down/ });
});

test('a function that is no Knative Service has ticks from elsewhere', async (t) => {
  const { client } = await onWire(t, () => reply({}));
  const fn: CloverFunction = { name: 'policy', handlers: [] };
  t.is(onKnative(fn, client, {}), fn);
  t.throws(
    () => onKnative(fn, client, { K_SERVICE: 'policy', KUBERNETES_ACCOUNT_DIR: '/nowhere' }),
    {
      code: 'CLV_CONFIG_INVALID',
    },
  );
});
