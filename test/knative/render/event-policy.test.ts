import test from 'ava';
import { compileTriggers, passes } from '../../../functions/host/broker/filters.ts';
import { catalogue } from '../../../knative/catalogue.ts';
import { eventTypes } from '../../../knative/events.ts';
import { kinds } from '../../../knative/resources/kinds.ts';
import { installationOf } from './installations.ts';
import { specs, specsOf } from './rendered.ts';

const policies = specsOf(installationOf({ oidc: true }), specs.eventPolicy);

const typed = (...types: string[]) => [{ any: types.map((type) => ({ exact: { type } })) }];
const from = (kind: string, name: string) => [
  { ref: { apiVersion: 'sources.knative.dev/v1', namespace: 'clover-system', kind, name } },
];

test('each sender may send its own types to its broker, and nobody else anything', (t) => {
  t.deepEqual(
    policies.map(({ object, spec }) => [object.metadata.name, spec.from, spec.filters]),
    [
      ['agent-to-reports', from('SinkBinding', 'agent'), typed('dev.clover.evidence.reported.v1')],
      [
        'notify-to-clover',
        from('SinkBinding', 'notify'),
        typed('dev.clover.notification.raised.v1'),
      ],
      [
        'resource-events-to-clover',
        from('ApiServerSource', 'resource-events'),
        typed(
          'dev.knative.apiserver.resource.add',
          'dev.knative.apiserver.resource.update',
          'dev.knative.apiserver.resource.delete',
        ),
      ],
    ],
  );
});

test('where there are no agents nothing names them: a broker is not Ready while a sender of a policy is unknown', (t) => {
  const without = installationOf({ oidc: true, agent: { enabled: false } });
  const objects = [specs.eventPolicy, specs.sinkBinding].flatMap((kind) =>
    specsOf<unknown>(without, kind).map(({ object }) => object.metadata.name),
  );
  t.deepEqual(objects, ['notify-to-clover', 'resource-events-to-clover', 'notify']);
});

test('a policy is for one broker, and not for everything of the namespace', (t) => {
  for (const { object, spec } of policies) {
    const name = object.metadata.name.split('-to-').at(-1);
    t.deepEqual(spec.to, [
      { ref: { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name } },
    ]);
  }
});

test('a type of event has a sender if some trigger takes it', (t) => {
  const sent = JSON.stringify(policies.map(({ spec }) => spec.filters));
  const compiled = catalogue.flatMap((entry) => compileTriggers(entry));
  let taken = 0;
  for (const type of Object.values(eventTypes)) {
    const events = kinds.map(({ kind }) => new Map(Object.entries({ type, kind })));
    if (!compiled.some(({ filter }) => events.some((event) => passes(filter, event)))) continue;
    taken += 1;
    t.true(sent.includes(`"${type}"`), type);
  }
  t.is(taken, 4);
});

test('there is none while Eventing does not ask who sends: its webhook would refuse it', (t) => {
  t.deepEqual(specsOf(installationOf({}), specs.eventPolicy), []);
});
