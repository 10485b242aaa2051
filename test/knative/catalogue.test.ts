import { access } from 'node:fs/promises';
import test from 'ava';
import { compileTriggers, passes } from '../../functions/host/broker/filters.ts';
import { catalogue, webhookEntry } from '../../knative/catalogue.ts';
import { eventTypes } from '../../knative/events.ts';
import { kinds } from '../../knative/resources/kinds.ts';

const triggers = catalogue.flatMap((entry) => entry.triggers);

test('the catalogue is in alphabetical order, and every entry has its code', async (t) => {
  const names = catalogue.map(({ name }) => name);
  t.deepEqual(names, names.toSorted());
  for (const name of names) {
    await t.notThrowsAsync(
      access(new URL(`../../functions/${name}/function.ts`, import.meta.url)),
      name,
    );
  }
});

test('names of triggers are unique: the broker keeps what waits under them', (t) => {
  const names = triggers.map(({ name }) => name);
  t.is(new Set(names).size, names.length);
});

test('every type of event has a taker, and every trigger takes some', (t) => {
  const entries = [...catalogue, webhookEntry('webhook')];
  const compiled = entries.flatMap((entry) => compileTriggers(entry));
  const events = Object.values(eventTypes).flatMap((type) =>
    kinds.map(({ kind }) => new Map(Object.entries({ type, kind }))),
  );
  const elsewhere = new Set<string>([
    ...catalogue.flatMap(({ direct }) => direct),
    ...(catalogue.some(({ schedules }) => schedules.length > 0) ? [eventTypes.tick] : []),
  ]);
  for (const type of Object.values(eventTypes)) {
    const ofType = events.filter((event) => event.get('type') === type);
    const isTaken = compiled.some(({ filter }) => ofType.some((event) => passes(filter, event)));
    t.is(isTaken, !elsewhere.has(type), type);
  }
  for (const { trigger, filter } of compiled) {
    t.true(
      events.some((event) => passes(filter, event)),
      trigger.name,
    );
  }
});

test('a trigger on resources names a kind that exists', (t) => {
  const known = new Set<string>(kinds.map(({ kind }) => kind));
  for (const { name, filter } of triggers) {
    if (filter['kind'] !== undefined) t.true(known.has(filter['kind']), name);
  }
  t.pass();
});

test('telemetry goes past the broker', (t) => {
  t.false(triggers.some(({ filter }) => filter['type'] === eventTypes.spans));
});
