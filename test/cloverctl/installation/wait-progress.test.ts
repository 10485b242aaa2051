import test from 'ava';
import { placeOf } from '../../../cloverctl/installation/collections.ts';
import { waitProgress, type Saying } from '../../../cloverctl/installation/wait-progress.ts';

const saying =
  (apiVersion: string, kind: string) =>
  (name: string, text: string): Saying => ({
    place: placeOf({ apiVersion, kind, metadata: { name, namespace: 'clover', labels: {} } }),
    ready: text === 'ready',
    text,
  });
const service = saying('serving.knative.dev/v1', 'Service');
const plain = saying('v1', 'Service');
const trigger = saying('eventing.knative.dev/v1', 'Trigger');

/** Says it every second from one time until another. */
function during(
  progress: ReturnType<typeof waitProgress>,
  [from, to]: readonly [number, number],
  ...sayings: readonly Saying[]
): readonly string[] {
  const lines: string[] = [];
  for (let now = from; now < to; now += 1_000) lines.push(...progress(sayings, now));
  return lines;
}

test('states that pass are not told: a line for each kind that becomes ready is all', (t) => {
  const progress = waitProgress();
  const noAddress = ['a', 'b', 'c'].map((name) => trigger(name, 'address not set'));
  const lines = [
    ...during(progress, [0, 9_000], service('api', 'no revision'), ...noAddress),
    ...during(progress, [9_000, 18_000], service('api', 'no ingress')),
    ...progress(
      [service('api', 'ready'), ...['a', 'b'].map((name) => trigger(name, 'ready'))],
      18_000,
    ),
    ...progress([trigger('c', 'ready'), trigger('d', 'ready')], 19_000),
  ];
  t.deepEqual(lines, [
    'service.serving.knative.dev/api: ready',
    'trigger.eventing.knative.dev/a and 1 more: ready',
    'trigger.eventing.knative.dev/c: ready',
  ]);
});

test('what stays missing is told once, in one line for all of its kind, and again only when it is another', (t) => {
  const progress = waitProgress();
  const lines = [
    ...during(
      progress,
      [0, 60_000],
      service('api', 'no revision'),
      plain('admission', 'is not there'),
      trigger('a', 'no address of api'),
      trigger('b', 'no address of policy'),
    ),
    // It flickers, and comes back to what is known.
    ...progress([service('api', 'no ingress')], 60_000),
    ...during(progress, [61_000, 90_000], service('api', 'no revision')),
    ...during(progress, [90_000, 101_000], service('api', 'no ingress')),
    ...progress([service('api', 'ready')], 101_000),
  ];
  t.deepEqual(lines, [
    'service.serving.knative.dev/api: no revision',
    'service/admission: is not there',
    'trigger.eventing.knative.dev/a and 1 more: no address of api',
    'service.serving.knative.dev/api: no ingress',
    'service.serving.knative.dev/api: ready',
  ]);
});
