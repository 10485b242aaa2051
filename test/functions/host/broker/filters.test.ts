import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { FunctionEntry, Trigger } from '../../../../knative/catalogue.ts';
import type { TriggerFilter } from '../../../../knative/filters.ts';
import { createBroker } from '../../../../functions/host/broker/broker.ts';
import {
  compileFilter,
  compileFilters,
  passes,
} from '../../../../functions/host/broker/filters.ts';
import { attributesOf } from '../../../../functions/host/cloud-event-attributes.ts';
import type { CloudEvent } from '../../../../functions/lib/cloud-event.ts';
import { CloverError } from '../../../../functions/lib/errors.ts';
import { entryOf, eventOf, silent, temporaryFolder, triggerOf, until } from '../helpers.ts';

const triggerWith = (
  filters: readonly TriggerFilter[],
  filter: Readonly<Record<string, string>> = {},
  name = 't',
): Trigger => ({ ...triggerOf(name, ''), filter, filters });

const matches = (trigger: Trigger, event: CloudEvent): boolean =>
  passes(compileFilter(trigger, 'f.triggers[0]'), attributesOf(event));

const takes = (filter: TriggerFilter, event: CloudEvent): boolean =>
  matches(triggerWith([filter]), event);

const push = eventOf({
  type: 'com.github.push',
  source: 'https://example.com/repo',
  extensions: { kind: 'Tap', ttl: '3' },
});

test('exact, prefix and suffix compare whole values and heed the case', (t) => {
  t.true(takes({ exact: { type: 'com.github.push' } }, push));
  t.false(takes({ exact: { type: 'com.github' } }, push));
  t.false(takes({ exact: { type: 'COM.github.push' } }, push));
  t.true(takes({ prefix: { type: 'com.github.' } }, push));
  t.false(takes({ prefix: { type: 'Com.' } }, push));
  t.true(takes({ suffix: { type: '.push' } }, push));
  t.false(takes({ suffix: { type: '.Push' } }, push));
});

test('of several attributes in one dialect every one has to match', (t) => {
  t.true(takes({ exact: { type: 'com.github.push', kind: 'Tap' } }, push));
  t.false(takes({ prefix: { type: 'com.', kind: 'X' } }, push));
});

test('an attribute that is missing matches nothing, and its negation matches', (t) => {
  for (const filter of [
    { exact: { subject: 'x' } },
    { prefix: { subject: 'x' } },
    { suffix: { subject: 'x' } },
    { cesql: `subject = 'x'` },
  ]) {
    t.false(takes(filter, push));
    t.true(takes({ not: filter }, push));
  }
});

const nested = (levels: number): unknown =>
  JSON.parse(`[${'{"not":'.repeat(levels)}{"exact":{"id":"x"}}${'}'.repeat(levels)}]`);

test('filters that nest too deep are refused, however deep they are', (t) => {
  t.notThrows(() => compileFilters(nested(61)));
  for (const levels of [62, 1_000, 3_000]) {
    const error = t.throws(() => compileFilters(nested(levels)), { code: 'CLV_FILTER_INVALID' });
    t.regex(error?.message ?? '', /^filters: nests deeper than the 64 levels/);
  }
});

test('the expressions of a filter share the work that one event may cost', (t) => {
  const event = eventOf({ extensions: { long: 'a'.repeat(16_000) } });
  const dear: TriggerFilter = { cesql: 'LENGTH(UPPER(CONCAT(long, long, long, long))) = 64000' };
  t.true(takes({ all: Array.from({ length: 3 }, () => dear) }, event));
  t.false(takes({ all: Array.from({ length: 4 }, () => dear) }, event));
  t.true(takes(dear, event) && takes(dear, event), 'each filter and event begins anew');
});

test('all, any and not nest', (t) => {
  const github: TriggerFilter = { prefix: { type: 'com.github.' } };
  const gone: TriggerFilter = { suffix: { type: '.deleted' } };
  t.true(takes({ any: [gone, github] }, push));
  t.false(takes({ all: [gone, github] }, push));
  t.true(takes({ all: [{ not: gone }, { any: [gone, { not: { all: [gone] } }] }] }, push));
  t.false(takes({ not: { not: gone } }, push));
});

test('an expression passes only as the boolean true and without an error', (t) => {
  t.true(takes({ cesql: `type LIKE 'com.%' AND ttl < 5` }, push));
  t.false(takes({ cesql: 'ttl' }, push), 'a text');
  t.false(takes({ cesql: '1' }, push), 'an integer');
  t.false(takes({ cesql: `'true'` }, push), 'the text true');
  t.false(takes({ cesql: 'kind < 5' }, push), 'a cast that fails');
  t.false(takes({ cesql: 'NOT EXISTS subject AND 1 / 0 = 0' }, push), 'a math error');
  t.false(takes({ cesql: 'NOSUCH()' }, push), 'no such function');
});

test('every filter has to match; with filters the filter does not count', (t) => {
  const first: TriggerFilter = { prefix: { type: 'com.' } };
  t.true(matches(triggerWith([first, { exact: { kind: 'Tap' } }]), push));
  t.false(matches(triggerWith([first, { exact: { kind: 'Other' } }]), push));
  t.true(matches(triggerWith([first], { type: 'other' }), push));
  t.false(matches(triggerWith([], { type: 'other' }), push));
});

test('without filters the filter counts, and an empty one takes everything', (t) => {
  t.true(matches(triggerWith([]), push));
  t.true(matches(triggerWith([], { type: 'com.github.push', kind: 'Tap' }), push));
  t.false(matches(triggerWith([], { type: 'com.github.push', kind: 'tap' }), push));
  t.true(matches(triggerWith([], { kind: '' }), push), 'the empty text is any value');
  t.false(matches(triggerWith([], { subject: '' }), push), 'but the attribute has to be there');
});

test('a dialect and its expression agree', (t) => {
  const value = fc.string({
    unit: fc.constantFrom('a', 'B', '.', '-'),
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(value, fc.option(value, { nil: undefined }), (wanted, given) => {
      const event = eventOf({ extensions: given === undefined ? {} : { x: given } });
      const pairs: readonly (readonly [TriggerFilter, TriggerFilter])[] = [
        [{ exact: { x: wanted } }, { cesql: `x = '${wanted}'` }],
        [{ prefix: { x: wanted } }, { cesql: `x LIKE '${wanted}%'` }],
        [{ suffix: { x: wanted } }, { cesql: `x LIKE '%${wanted}'` }],
      ];
      return pairs.every(
        ([dialect, expression]) => takes(dialect, event) === takes(expression, event),
      );
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('a bad filter is refused with the path of every field', (t) => {
  const details = (filters: readonly TriggerFilter[]) => {
    const error = t.throws(() => compileFilter(triggerWith(filters), 'f.triggers[2]'), {
      instanceOf: CloverError,
      code: 'CLV_FILTER_INVALID',
    });
    return error?.details.map(({ field, message }) => `${field}: ${message}`);
  };
  t.deepEqual(details([{ exact: { type: 'a' } }, {}]), [
    'f.triggers[2].filters[1]: found {}; must have exactly one of: exact, prefix, suffix, all, any, not, cesql',
  ]);
  t.deepEqual(details([{ not: { any: [{ cesql: 'type =' }, { cesql: 'a b' }] } }]), [
    'f.triggers[2].filters[0].not.any[0].cesql: CESQL: at character 7: found the end of the expression, expected a literal, an attribute, a function, NOT, "-", EXISTS or "("',
    'f.triggers[2].filters[0].not.any[1].cesql: CESQL: at character 3: found "b", expected an operator or the end of the expression',
  ]);
  t.deepEqual(details([{ prefix: { type: '' } }, { suffix: { Type: 'a' } }, { all: [] }]), [
    'f.triggers[2].filters[0].prefix.type: found ""; must have at least 1 character',
    'f.triggers[2].filters[1].suffix.Type: found "a"; an attribute has lower-case letters and digits, a letter first',
    'f.triggers[2].filters[2].all: found []; must have at least 1 item',
  ]);
  const misspelt = { any: [{ prefx: { type: 'a' }, cesql: 'true' }] };
  t.regex(
    details([misspelt])?.[0] ?? '',
    /^f\.triggers\[2\]\.filters\[0\]\.any\[0\]\.prefx: unknown field, did you mean "prefix"\?/,
  );
  t.deepEqual(details([{ exact: {} }]), [
    'f.triggers[2].filters[0].exact: found {}; must name an attribute',
  ]);
  t.throws(() => compileFilter(triggerWith([], { Type: 'a' }), 'f.triggers[0]'), {
    message: /^trigger "t": f\.triggers\[0\]\.filter\.Type: found "a"; an attribute has/,
  });
});

const open = async (entries: readonly FunctionEntry[], path: string) =>
  createBroker({ path, entries, log: silent, onFatal: () => undefined });

test('a broker gives every trigger exactly the events that its filters take', async (t) => {
  const triggers: Readonly<Record<string, readonly TriggerFilter[]>> = {
    exact: [{ exact: { type: 'a.one' } }],
    prefix: [{ prefix: { type: 'a.' } }],
    suffix: [{ suffix: { type: '.one' } }],
    all: [{ all: [{ prefix: { type: 'a.' } }, { suffix: { type: '.one' } }] }],
    any: [{ any: [{ exact: { type: 'a.two' } }, { exact: { type: 'b.one' } }] }],
    not: [{ not: { prefix: { type: 'a.' } } }],
    cesql: [{ cesql: `type LIKE '%.one' AND INT(ttl) >= 2 OR type = 'b.two'` }],
    both: [{ prefix: { type: 'b.' } }, { not: { exact: { type: 'b.one' } } }],
    none: [],
  };
  const entry = entryOf('f', {
    triggers: Object.entries(triggers).map(([name, filters]) =>
      triggerWith(filters, filters.length === 0 ? { type: 'b.two' } : { type: 'ignored' }, name),
    ),
  });
  const broker = await open([entry], join(await temporaryFolder(t), 'broker.db'));
  t.teardown(() => broker.close());
  const seen = new Map<string, string[]>(Object.keys(triggers).map((name) => [name, []]));
  await broker.start(async ({ route, event }) => {
    seen.get(route)?.push(event.id);
    return { status: 200, message: '' };
  });
  const events = [
    eventOf({ id: '1', type: 'a.one', extensions: { ttl: '1' } }),
    eventOf({ id: '2', type: 'a.two' }),
    eventOf({ id: '3', type: 'b.one', extensions: { ttl: '2' } }),
    eventOf({ id: '4', type: 'b.two', extensions: { ttl: '3' } }),
    eventOf({ id: '5', type: 'b.one', extensions: { ttl: 'soon' } }),
  ];
  for (const event of events) await broker.publish(event);
  await until(async () => (await broker.counters()).depth === 0);
  t.deepEqual(Object.fromEntries([...seen].map(([name, ids]) => [name, ids.sort().join(' ')])), {
    exact: '1',
    prefix: '1 2',
    suffix: '1 3 5',
    all: '1',
    any: '2 3 5',
    not: '3 4 5',
    // AND and OR group from the right: 4 does not end in `.one`, so nothing else counts for it.
    cesql: '3',
    both: '4',
    none: '4',
  });
});

test('a broker does not start with a bad filter', async (t) => {
  const entry = entryOf('f', { triggers: [triggerWith([{ cesql: 'type = = 1' }])] });
  const path = join(await temporaryFolder(t), 'broker.db');
  const error = await t.throwsAsync(open([entry], path), { code: 'CLV_FILTER_INVALID' });
  t.regex(error?.message ?? '', /^trigger "t": f\.triggers\[0\]\.filters\[0\]\.cesql: CESQL: at /);
});
