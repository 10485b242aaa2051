import test from 'ava';
import { list } from '../../../../functions/resources/kubernetes/list.ts';
import { inTurn, listed, onWire, refusal, reply } from './wire.ts';

const path = '/apis/clover.dev/v1alpha1/taps';

test('a page is asked for by its words, and says where the next one begins', async (t) => {
  const { client, asked } = await onWire(
    t,
    inTurn(
      reply({
        metadata: { resourceVersion: '9', continue: 'p2', remainingItemCount: 3 },
        items: [1, 2],
      }),
      listed([3], '9', ''),
    ),
  );
  const options = { labelSelector: 'app=web', name: 'a', limit: 2 };
  const page = { items: [1, 2], resourceVersion: '9', continue: 'p2', remainingItemCount: 3 };
  t.deepEqual(await list(client, path, options), page);
  t.deepEqual(await list(client, path, { continue: 'p2' }), { items: [3], resourceVersion: '9' });
  t.deepEqual(
    asked.map(({ query }) => query),
    [
      { labelSelector: 'app=web', fieldSelector: 'metadata.name=a', limit: '2' },
      { continue: 'p2' },
    ],
  );
});

test('fields are selected by the server', async (t) => {
  const { client, asked } = await onWire(t, inTurn(listed([], '9', '')));
  await list(client, path, { fields: { 'spec.experiment.name': 'e' }, unfinished: true });
  const phases = ['Succeeded', 'RolledBack', 'Failed'].map((phase) => `status.phase!=${phase}`);
  t.deepEqual(asked[0]?.query, {
    fieldSelector: ['spec.experiment.name=e', ...phases].join(','),
  });
});

test('of a refusal it is said whether the place of the page is to blame', async (t) => {
  const answers = [refusal(400, 'bad token'), refusal(410, 'old token'), refusal(400, 'bad word')];
  const { client } = await onWire(t, inTurn(...answers, reply({ kind: 'Status' })));
  const error = await t.throwsAsync(list(client, path, { continue: 'x' }), {
    code: 'CLV_ARGUMENT_INVALID',
    message: 'continue: bad token',
  });
  t.like(error, { details: [{ field: 'continue', message: 'bad token' }] });
  await t.throwsAsync(list(client, path, { continue: 'x' }), { code: 'CLV_RESOURCE_GONE' });
  await t.throwsAsync(list(client, path, {}), { message: 'bad word' });
  await t.throwsAsync(list(client, path, {}), {
    code: 'CLV_INTERNAL',
    message: 'the Kubernetes API answered with something else than a list',
  });
});
