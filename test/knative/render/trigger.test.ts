import test from 'ava';
import fc from 'fast-check';
import { compileTriggers, passes } from '../../../functions/host/broker/filters.ts';
import { catalogue, isWebhookName, webhookEntry } from '../../../knative/catalogue.ts';
import { eventTypes } from '../../../knative/events.ts';
import { knativeTrigger } from '../../../knative/render/trigger.ts';
import { kinds } from '../../../knative/resources/kinds.ts';
import { installationInput, installationOf } from './installations.ts';
import { destination, specs, specsOf } from './rendered.ts';

const least = installationOf({});
const expected = catalogue.flatMap(({ name, triggers }) =>
  triggers.map((trigger) => ({ subscriber: name, trigger })),
);

test('every trigger of the catalogue is a Trigger that gives its events to its function', (t) => {
  const found = specsOf(least, specs.trigger).map(({ object, spec }) => [
    object.metadata.name,
    spec.broker,
    spec.subscriber,
  ]);
  t.deepEqual(
    found,
    expected.map(({ subscriber, trigger }) => [
      trigger.name,
      trigger.name === 'evaluate-reports' ? 'reports' : 'clover',
      destination(subscriber),
    ]),
  );
  t.true(found.length >= 17);
});

test('no Trigger is without dead letters of its own, in any installation', (t) => {
  fc.assert(
    fc.property(installationInput, (input) => {
      const installation = installationOf(input);
      const rendered = [
        ...specsOf(installation, specs.trigger),
        ...specsOf(installation, specs.broker),
      ];
      for (const { object, spec } of rendered) {
        const isWebhook = isWebhookName(object.metadata.name);
        t.deepEqual(
          spec.delivery,
          {
            retry: 10,
            backoffPolicy: 'exponential',
            backoffDelay: isWebhook ? 'PT1S' : 'PT0.2S',
            timeout: isWebhook ? 'PT15S' : 'PT30S',
            deadLetterSink:
              installation.deadLetters === undefined
                ? {
                    ...destination('ingest', installation.namespace),
                    uri: `/deadletters/${object.metadata.name}`,
                  }
                : { uri: installation.deadLetters },
          },
          object.metadata.name,
        );
      }
    }),
    { numRuns: 20 },
  );
});

test('a Trigger takes the events that the trigger of the catalogue takes, by the broker of one process', (t) => {
  const events = Object.values(eventTypes).flatMap((type) =>
    [...kinds.map(({ kind }) => kind), 'Pod'].map(
      (kind) => new Map(Object.entries({ type, kind, reason: 'VerdictFail' })),
    ),
  );
  const webhooks = [
    webhookEntry('webhook-all'),
    webhookEntry('webhook-some', ['RolledBack', 'VerdictFail']),
    webhookEntry('webhook-none', ['Succeeded']),
  ];
  for (const entry of [...catalogue, ...webhooks]) {
    for (const trigger of entry.triggers) {
      const { filter, filters } = specs.trigger.schema.parse(
        knativeTrigger(least, entry.name, trigger).spec,
      );
      const [back] = compileTriggers({
        ...entry,
        triggers: [{ ...trigger, filter: filter?.attributes ?? {}, filters: filters ?? [] }],
      });
      const [original] = compileTriggers({ ...entry, triggers: [trigger] });
      if (back === undefined || original === undefined) {
        t.fail(trigger.name);
        return;
      }
      for (const event of events) {
        t.is(passes(back.filter, event), passes(original.filter, event), trigger.name);
      }
    }
  }
});

test('a Trigger has `filter` or `filters`, as its trigger has', (t) => {
  const triggers = new Map(expected.map(({ trigger }) => [trigger.name, trigger]));
  for (const { object, spec } of specsOf(least, specs.trigger)) {
    const { filter, filters = [] } = triggers.get(object.metadata.name) ?? {};
    t.deepEqual(spec.filters, filters.length > 0 ? filters : undefined);
    t.deepEqual(spec.filter, filters.length > 0 ? undefined : { attributes: filter });
  }
});

test('a trigger that bounds Retry-After says so to Knative', (t) => {
  const [trigger] = webhookEntry('webhook').triggers;
  if (trigger === undefined) {
    t.fail();
    return;
  }
  const { spec } = knativeTrigger(least, 'webhook', trigger);
  t.deepEqual(spec?.delivery, {
    retry: 10,
    backoffPolicy: 'exponential',
    backoffDelay: 'PT1S',
    timeout: 'PT15S',
    retryAfterMax: 'PT10M',
    deadLetterSink: { ...destination('ingest'), uri: `/deadletters/${trigger.name}` },
  });
});
