import { access } from 'node:fs/promises';
import test from 'ava';
import { catalogue } from '../../knative/catalogue.ts';
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

test('every type of event has a taker, and every trigger a known type', (t) => {
  const taken = new Set([
    ...triggers.map(({ filter }) => filter['type'] ?? ''),
    ...catalogue.flatMap(({ direct }) => direct),
    ...(catalogue.some(({ schedules }) => schedules.length > 0) ? [eventTypes.tick] : []),
  ]);
  t.deepEqual([...taken].sort(), Object.values<string>(eventTypes).sort());
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
