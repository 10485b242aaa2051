import test, { type ExecutionContext } from 'ava';
import { createKubernetesEvents } from '../../../functions/records/kubernetes-events.ts';
import {
  goneLine,
  inTurn,
  listed,
  onWire,
  told,
  type Answer,
} from '../resources/kubernetes/wire.ts';

/** An Event as a server lists it: without its kind, with fields that only the server keeps. */
const event = (number: number, more: object = {}): object => ({
  metadata: {
    name: `e-${number}`,
    namespace: 'shop',
    uid: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    resourceVersion: String(number),
    creationTimestamp: '2026-05-01T00:00:00Z',
    managedFields: [],
  },
  eventTime: `2026-05-01T00:00:0${number}.000000Z`,
  series: null,
  reportingController: 'clover.dev/notify',
  reportingInstance: 'notify-1',
  action: 'Judged',
  reason: number % 2 === 0 ? 'Even' : 'Odd',
  regarding: {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'Experiment',
    namespace: 'shop',
    name: 'shift',
    uid: 'u',
    resourceVersion: '1',
  },
  note: 'n',
  type: 'Normal',
  deprecatedCount: 0,
  ...more,
});

async function eventsOn(t: ExecutionContext, ...answers: readonly Answer[]) {
  const { client, asked } = await onWire(t, inTurn(...answers));
  const events = createKubernetesEvents(client);
  t.teardown(() => events.close());
  return { events, asked };
}

const namesOf = ({
  items,
}: {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}) => items.map(({ metadata }) => metadata.name);

test('pages go from the newest to the oldest, and what was seen again since then does not come twice', async (t) => {
  const all = [1, 2, 3, 4, 5].map((number) => event(number));
  const seenAgain = { count: 2, lastObservedTime: '2026-05-01T00:00:09.000000Z' };
  const later = [...all.slice(0, 4), event(5, { series: seenAgain })];
  const { events, asked } = await eventsOn(
    t,
    listed(all, '90'),
    listed(later, '91'),
    listed(later, '92'),
  );
  const first = await events.list({ namespace: 'shop', limit: 2 });
  t.deepEqual(namesOf(first), ['e-5', 'e-4']);
  const second = await events.list({ limit: 2, continue: first.metadata.continue ?? '' });
  t.deepEqual(namesOf(second), ['e-3', 'e-2']);
  const third = await events.list({ limit: 2, continue: second.metadata.continue ?? '' });
  t.deepEqual(namesOf(third), ['e-1']);
  t.is(third.metadata.continue, undefined);
  t.deepEqual(
    asked.map(({ path, query }) => `${path} ${query['fieldSelector']}`),
    ['/namespaces/shop', '', ''].map(
      (scope) => `/apis/events.k8s.io/v1${scope}/events reportingController=clover.dev/notify`,
    ),
  );
});

test('only records of what is asked for are told, and a place that no list gave is refused', async (t) => {
  const all = [1, 2, 3].map((number) => event(number));
  const { events } = await eventsOn(t, ...Array.from({ length: 4 }, () => listed(all, '90')));
  t.deepEqual(namesOf(await events.list({ reason: 'Even' })), ['e-2']);
  t.deepEqual(namesOf(await events.list({ object: { name: 'other' } })), []);
  t.deepEqual(namesOf(await events.list({ namespace: 'elsewhere' })), []);
  await t.throwsAsync(events.list({ continue: 'x' }), { code: 'CLV_ARGUMENT_INVALID' });
});

const line = (type: string, number: number): object => ({ type, object: event(number) });

test('a watch tells what is new or seen again, and not what has grown too old', async (t) => {
  const lines = [line('ADDED', 1), line('DELETED', 2), line('MODIFIED', 3), goneLine];
  const { events, asked } = await eventsOn(t, told(lines));
  const seen: string[] = [];
  const watch = async (): Promise<void> => {
    const { signal } = new AbortController();
    for await (const { type, object } of events.watch('0', { signal })) {
      seen.push(`${type} ${object.metadata.name}`);
    }
  };
  await t.throwsAsync(watch, { code: 'CLV_RESOURCE_GONE' });
  t.deepEqual(seen, ['ADDED e-1', 'MODIFIED e-3']);
  t.like(asked[0]?.query, {
    resourceVersion: '0',
    fieldSelector: 'reportingController=clover.dev/notify',
  });
});
