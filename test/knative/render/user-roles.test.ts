import test from 'ava';
import { userRoles } from '../../../knative/render/user-roles.ts';
import { installationOf } from './installations.ts';

const installation = installationOf({});

test('who may view, edit or administer a namespace may do so with our objects, too', (t) => {
  const found = userRoles(installation).map(({ metadata, rules }) => [
    metadata.name,
    Object.keys(metadata.labels)
      .filter((label) => label.startsWith('rbac.authorization.k8s.io/aggregate-to-'))
      .map((label) => label.replace(/.*-/, '')),
    rules.map(({ verbs, ...of }) => ['resources' in of ? of.resources : of.nonResourceURLs, verbs]),
  ]);
  const reading = ['get', 'list', 'watch'];
  const kinds = ['experiments', 'experimentruns', 'taps', 'trafficpolicies'];
  t.deepEqual(found, [
    [
      'clover-system-view',
      ['view', 'edit', 'admin'],
      [
        [kinds, reading],
        [kinds.map((plural) => `${plural}/status`), ['get']],
        [['events'], reading],
        [['/v1/*'], ['get']],
      ],
    ],
    [
      'clover-system-edit',
      ['edit', 'admin'],
      [
        [
          ['experiments', 'taps', 'trafficpolicies'],
          ['create', 'delete', 'deletecollection', 'patch', 'update'],
        ],
        [['/v1/deadletters/*'], ['delete', 'post']],
      ],
    ],
    ['clover-system-metrics-reader', [], [[['/metrics'], ['get']]]],
  ]);
});

test('two installations in one cluster do not write the same roles', (t) => {
  const names = [installation, installationOf({ namespace: 'other' })].flatMap((each) =>
    userRoles(each).map(({ metadata }) => metadata.name),
  );
  t.is(new Set(names).size, 6);
});
