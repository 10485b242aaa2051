import test from 'ava';
import { CloverError } from '../../../../functions/lib/errors.ts';
import { followCollection } from '../../../../functions/resources/kubernetes/follow.ts';
import {
  goneLine,
  impatient,
  inTurn,
  line,
  listed,
  onWire,
  refusal,
  told,
  type Wire,
} from './wire.ts';

const path = '/api/v1/services';

/** Follows until so many news have come; a gap is told among them, by the code of its error. */
async function followed({ client }: Wire, most: number): Promise<unknown[]> {
  const stop = new AbortController();
  const heard: unknown[] = [];
  const hear = (what: unknown): void => {
    heard.push(what);
    if (heard.length === most) stop.abort();
  };
  const onGap = (error: unknown): void =>
    hear(error instanceof CloverError ? error.code : String(error));
  for await (const news of followCollection(client, { path, signal: stop.signal, onGap })) {
    hear(news.type === 'LISTED' ? news.objects : news.type);
  }
  return heard;
}

const isWatch = ({ query }: Wire['asked'][number]): boolean => query['watch'] === 'true';

test('all pages are one set, and changes come from its version on', async (t) => {
  const wire = await onWire(
    t,
    inTurn(listed([1, 2], '9', 'p2'), listed([3], '9'), told([line('ADDED', 'a', '10')])),
  );
  t.deepEqual(await followed(wire, 2), [[1, 2, 3], 'ADDED']);
  t.deepEqual(
    wire.asked.map(({ query }) => query['continue'] ?? query['resourceVersion']),
    [undefined, 'p2', '9'],
  );
});

test('a server that goes silent behind an open connection is asked again, without a gap', async (t) => {
  const wire = await onWire(t, (_, count) =>
    count === 1 ? listed([1], '9') : told(count === 2 ? [] : [line('ADDED', 'a', '10')]),
  );
  t.deepEqual(await followed({ ...wire, client: impatient(wire.client) }, 2), [[1], 'ADDED']);
});

test('a set whose pages grew too old is listed anew as a whole: no part of it is told', async (t) => {
  const wire = await onWire(
    t,
    inTurn(listed([1], '9', 'p2'), refusal(410, 'old'), listed([4, 5], '20'), told([])),
  );
  t.deepEqual(await followed(wire, 2), ['CLV_RESOURCE_GONE', [4, 5]]);
});

test('when the past is forgotten there is a gap, and at once the whole set', async (t) => {
  const wire = await onWire(
    t,
    inTurn(
      listed([1], '9'),
      told([line('ADDED', 'a', '10'), goneLine]),
      listed([2], '90'),
      told([line('DELETED', 'a', '91')]),
    ),
  );
  const heard = [[1], 'ADDED', 'CLV_RESOURCE_GONE', [2], 'DELETED'];
  t.deepEqual(await followed(wire, heard.length), heard);
  t.deepEqual(
    wire.asked.filter(isWatch).map(({ query }) => query['resourceVersion']),
    ['9', '90'],
  );
});

test('a server that refuses for a while is asked until it does not', async (t) => {
  const wire = await onWire(
    t,
    inTurn(
      refusal(403, 'no'),
      refusal(410, 'no'),
      listed([], '9'),
      refusal(500),
      listed([1], '10'),
    ),
  );
  t.deepEqual(await followed(wire, 5), [
    'CLV_KUBERNETES_FORBIDDEN',
    'CLV_RESOURCE_GONE',
    [],
    'CLV_KUBERNETES_UNREACHABLE',
    [1],
  ]);
});
