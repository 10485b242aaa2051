import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { followCollection, type Collection } from '../../../agent/kubernetes/collection.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import {
  goneLine,
  impatient,
  inTurn,
  line,
  listed,
  onWire,
  refusal,
  told,
  type Answer,
  type Wire,
} from '../../functions/resources/kubernetes/wire.ts';

const whole = (resourceVersion: string): object => ({
  type: 'BOOKMARK',
  object: {
    metadata: { resourceVersion, annotations: { 'k8s.io/initial-events-end': 'true' } },
  },
});

interface Followed extends Wire {
  readonly objects: Collection<string>;
  /** Resolves at the next change after which the names are these. */
  readonly become: (...names: readonly string[]) => Promise<void>;
}

/** Follows objects by their names; one whose name begins with `bad` cannot be read, one that is `over` has ended. */
async function follow(t: ExecutionContext, ...answers: readonly Answer[]): Promise<Followed> {
  return followOn(t, await onWire(t, inTurn(...answers)));
}

function followOn(t: ExecutionContext, wire: Wire): Followed {
  let changed = Promise.withResolvers<void>();
  const objects = followCollection({
    client: wire.client,
    path: '/api/v1/pods',
    read: (object) => {
      const name = String(JSON.stringify(object).match(/"name":"([^"]*)"/)?.[1]);
      if (name.startsWith('bad')) throw new Error('no pod');
      return name === 'over' ? undefined : name;
    },
    onChange: () => changed.resolve(),
    clock: systemClock,
    // A break is waited for no longer than that.
    random: () => 0,
    log: pino({ level: 'silent' }),
  });
  t.teardown(() => objects.stop());
  const become = async (...names: readonly string[]): Promise<void> => {
    while ((objects.items() ?? ['none yet']).toSorted().join() !== names.join()) {
      changed = Promise.withResolvers();
      await changed.promise;
    }
  };
  return { ...wire, objects, become };
}

const versions = ({ asked }: Wire): unknown[] =>
  asked.map(({ query }) => query['resourceVersion'] ?? query['sendInitialEvents']);

test('a first set that breaks off is no set: nothing is known before the whole of one', async (t) => {
  const followed = await follow(
    t,
    told([line('ADDED', 'a', '1'), line('ADDED', 'b', '2')], true),
    told([line('ADDED', 'a', '1'), whole('5'), line('ADDED', 'c', '6')]),
  );
  await followed.become('a', 'c');
  t.deepEqual(versions(followed), ['true', 'true']);
});

test('a watch that has gone silent goes on where it was', async (t) => {
  const wire = await onWire(t, (_, count) =>
    told(count === 1 ? [line('ADDED', 'a', '1'), whole('5')] : [line('ADDED', 'b', '6')]),
  );
  const followed = followOn(t, { ...wire, client: impatient(wire.client) });
  await followed.become('a', 'b');
  t.deepEqual(versions(wire).slice(0, 2), ['true', '5']);
});

test('a past that is forgotten gives a new set, and until that is whole the last one stays', async (t) => {
  const followed = await follow(
    t,
    told([line('ADDED', 'a', '1'), whole('5'), goneLine]),
    told([line('ADDED', 'b', '80')], true),
    refusal(410, 'too old'),
    told([line('ADDED', 'c', '90'), whole('91'), line('DELETED', 'c', '92')]),
  );
  await followed.become('a');
  await followed.become();
  t.deepEqual(versions(followed), ['true', 'true', 'true', 'true']);
  t.is(followed.objects.failed, 0, 'the server has done as it says');
});

test('an object that cannot be read is left out and counted, and one that has ended is gone', async (t) => {
  const followed = await follow(
    t,
    told([
      line('ADDED', 'bad-1', '1'),
      line('ADDED', 'over', '2'),
      line('ADDED', 'a', '3'),
      whole('5'),
      line('MODIFIED', 'bad-2', '6'),
      line('BOOKMARK', '', '7'),
      line('ADDED', 'b', '8'),
    ]),
  );
  await followed.become('a', 'b');
  t.is(followed.objects.failed, 2);
});

test('a server without streamed sets is asked for a list from then on', async (t) => {
  const followed = await follow(
    t,
    refusal(422, 'sendInitialEvents is forbidden'),
    listed([{ metadata: { uid: 'u', name: 'a' } }], '9'),
    told([line('ADDED', 'b', '10'), goneLine]),
    listed([{ metadata: { uid: 'u', name: 'c' } }], '90'),
    told([]),
  );
  await followed.become('a', 'b');
  await followed.become('c');
  t.deepEqual(versions(followed).slice(0, 4), ['true', '0', '9', '0']);
  t.is(followed.objects.failed, 0);
});

test('refusals and answers that are none are counted, and the last that is known stays', async (t) => {
  const followed = await follow(
    t,
    refusal(403, 'no'),
    told([line('ADDED', 'a', '1'), whole('5'), { type: 'MOVED', object: {} }]),
    refusal(500, 'no'),
    (response) => response.end('<html>\n'),
    told([line('ADDED', 'b', '6')]),
  );
  await followed.become('a', 'b');
  t.deepEqual(versions(followed), ['true', 'true', '5', '5', '5']);
  t.is(followed.objects.failed, 4);
});
