import { readFileSync } from 'node:fs';
import test from 'ava';
import { z } from 'zod';
import { eventTypes, resourceReference } from '../../knative/events.ts';

// What an ApiServerSource of Knative 1.22 in mode Resource has sent when a Tap was made, changed and deleted.
const recorded = z
  .array(z.object({ attributes: z.record(z.string(), z.string()), data: z.string() }))
  .parse(
    JSON.parse(
      readFileSync(new URL('fixtures/api-server-source.json', import.meta.url), 'utf8'),
    ) as unknown,
  );

test('the event of a change has the whole object, of which the reference is taken', (t) => {
  const { resourceAdded, resourceUpdated, resourceDeleted } = eventTypes;
  t.deepEqual(
    recorded.map(({ attributes }) => attributes['type']),
    [resourceAdded, resourceUpdated, resourceDeleted],
  );
  const references = recorded.map(({ data }) => resourceReference.parse(JSON.parse(data)));
  for (const reference of references) {
    t.like(reference, {
      apiVersion: 'clover.dev/v1alpha1',
      kind: 'Tap',
      namespace: 'default',
      name: 'shop',
      uid: '7ca66bf7-848b-45a3-bf48-9d0ccf9b5ecf',
    });
  }
  t.deepEqual(
    references.map(({ resourceVersion }) => resourceVersion),
    ['2130', '2131', '2132'],
    'a deletion has a version of its own',
  );
});

test('the attributes by which triggers choose name the object', (t) => {
  for (const { attributes } of recorded) {
    t.like(attributes, {
      kind: 'Tap',
      name: 'shop',
      namespace: 'default',
      apiversion: 'clover.dev/v1alpha1',
      subject: '/apis/clover.dev/v1alpha1/namespaces/default/taps/shop',
    });
  }
});
