import test from 'ava';
import { createKubeClient } from '../../../../functions/resources/kubernetes/client.ts';
import { watchCollection } from '../../../../functions/resources/kubernetes/watch.ts';
import {
  goneLine,
  impatient,
  inTurn,
  line,
  onWire,
  refusal,
  reply,
  told,
  type Wire,
} from './wire.ts';

const path = '/apis/clover.dev/v1alpha1/taps';

/** Watches from version 5 until so many changes are seen, and tells their versions. */
async function watched({ client }: Wire, changes: number): Promise<string[]> {
  const stop = new AbortController();
  const options = { path, from: '5', signal: stop.signal };
  const seen: string[] = [];
  for await (const { type, object } of watchCollection(client, options)) {
    seen.push(`${type} ${JSON.stringify(object).match(/"resourceVersion":"(\d+)"/)?.[1]}`);
    if (seen.length === changes) stop.abort();
  }
  return seen;
}

const versions = ({ asked }: Wire): unknown[] => asked.map(({ query }) => query['resourceVersion']);

test('after a break a watch goes on behind what it was told, bookmarks too', async (t) => {
  const wire = await onWire(
    t,
    inTurn(
      told([line('ADDED', 'a', '6'), line('MODIFIED', 'a', '7')], true),
      told([line('BOOKMARK', '', '90')], true),
      told([line('DELETED', 'a', '91')]),
    ),
  );
  t.deepEqual(await watched(wire, 3), ['ADDED 6', 'MODIFIED 7', 'DELETED 91']);
  t.deepEqual(versions(wire), ['5', '7', '90']);
  t.like(wire.asked[0], { path, query: { watch: 'true', allowWatchBookmarks: 'true' } });
});

test('a server that ends a watch, is busy or away for a while is asked again from the same place', async (t) => {
  const wire = await onWire(
    t,
    inTurn(
      (response) => response.end(),
      refusal(429, 'busy'),
      (response) => response.destroy(),
      told([line('ADDED', 'a', '6')]),
    ),
  );
  t.deepEqual(await watched(wire, 1), ['ADDED 6']);
  t.deepEqual(versions(wire), ['5', '5', '5', '5']);
});

test('a watch that has gone silent is asked for again from the same place', async (t) => {
  const wire = await onWire(t, (_, count) =>
    told(count === 1 ? [line('ADDED', 'a', '6')] : [line('MODIFIED', 'a', '7')]),
  );
  const client = impatient(wire.client);
  t.deepEqual(await watched({ ...wire, client }, 2), ['ADDED 6', 'MODIFIED 7']);
  t.deepEqual(versions(wire).slice(0, 2), ['5', '6']);
});

test('a past that is forgotten ends the watch, in its answer and behind it', async (t) => {
  const wire = await onWire(
    t,
    inTurn(refusal(410, 'too old'), told([line('ADDED', 'a', '6'), goneLine])),
  );
  await t.throwsAsync(watched(wire, 1), { code: 'CLV_RESOURCE_GONE', message: 'too old' });
  await t.throwsAsync(watched(wire, 2), {
    code: 'CLV_RESOURCE_GONE',
    message: 'too old resource version',
  });
  t.is(wire.asked.length, 2);
});

test('what no other connection mends is told at once', async (t) => {
  const wire = await onWire(
    t,
    inTurn(
      refusal(403, 'may not watch'),
      reply('<html>'),
      told([{ type: 'ADDED', object: { kind: 'Tap' } }]),
    ),
  );
  await t.throwsAsync(watched(wire, 1), { code: 'CLV_KUBERNETES_FORBIDDEN' });
  for (const _ of ['a text', 'an object without metadata']) {
    await t.throwsAsync(watched(wire, 1), {
      code: 'CLV_INTERNAL',
      message: 'the Kubernetes API answered with something else than a line of a watch',
    });
  }
  const nobody = { ...wire.connection, server: new URL('http://127.0.0.1:2') };
  await t.throwsAsync(watched({ ...wire, client: createKubeClient(nobody) }, 1), {
    code: 'CLV_KUBERNETES_UNREACHABLE',
  });
});
