import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checkHandlers } from '../../../functions/host/check-handlers.ts';
import type { CloverFunction } from '../../../functions/host/function.ts';
import { serve } from '../../../functions/host/serve.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import type { FunctionEntry, Trigger } from '../../../knative/catalogue.ts';
import { eventTypes } from '../../../knative/events.ts';
import type { TriggerFilter } from '../../../knative/filters.ts';
import { entryOf, handlersOf, silent, temporaryFolder, triggerOf } from './helpers.ts';

const fnOf = (name: string, ...types: string[]): CloverFunction => ({
  name,
  handlers: handlersOf(types, async () => undefined),
});

/** Serving these has to be refused before the broker's file is made. */
async function refused(
  t: ExecutionContext,
  functions: readonly CloverFunction[],
  catalogue: readonly FunctionEntry[],
): Promise<CloverError> {
  const brokerPath = join(await temporaryFolder(t), 'broker.db');
  const serving = serve({
    functions,
    catalogue,
    brokerPath,
    token: 'token-of-the-test',
    listen: { host: '127.0.0.1', port: 0 },
    clock: systemClock,
    log: silent,
    onFatal: (error) => t.fail(String(error)),
  });
  const error = await t.throwsAsync(serving, { instanceOf: CloverError });
  t.is(error.code, 'CLV_CONFIG_INVALID');
  t.false(existsSync(brokerPath));
  return error;
}

const rich = (name: string, ...filters: TriggerFilter[]): Trigger => ({
  ...triggerOf(name, 'ignored'),
  filters,
});

test('a name that is there twice is refused with both places', async (t) => {
  const s = { name: 's', schedule: '@daily' };
  const [f, g] = [fnOf('f', 'a', eventTypes.tick), fnOf('g', 'a', eventTypes.tick)];
  const one = entryOf('f', { triggers: [triggerOf('one', 'a')], schedules: [s] });
  const cases: readonly (readonly [CloverFunction[], FunctionEntry[], string, string])[] = [
    [[f, f], [one], 'functions[1].name', 'functions[0].name'],
    [[f], [one, entryOf('f')], 'catalogue[1].name', 'catalogue[0].name'],
    [[fnOf('f', 'a', 'b', 'a')], [entryOf('f')], 'f.handlers[2].type', 'f.handlers[0].type'],
    [
      [f, g],
      [one, entryOf('g', { triggers: [triggerOf('two', 'a'), triggerOf('one', 'a')] })],
      'g.triggers[1].name',
      'f.triggers[0].name',
    ],
    [[f, g], [one, entryOf('g', { schedules: [s] })], 'g.schedules[0].name', 'f.schedules[0].name'],
  ];
  for (const [functions, catalogue, field, first] of cases) {
    const { details, message } = await refused(t, functions, catalogue);
    t.is(details[0]?.field, field);
    t.true(message.includes(first), message);
  }
});

test('what brings events that the function has no handler of is refused with its place', async (t) => {
  const entry = entryOf('f', {
    triggers: [
      triggerOf('good', 'a'),
      triggerOf('bad', 'b'),
      rich('worse', { any: [{ exact: { type: 'a' } }, { exact: { type: 'c' } }] }),
    ],
    direct: ['a', 'd'],
    schedules: [{ name: 's', schedule: '@daily' }],
  });
  const { details } = await refused(t, [fnOf('f', 'a')], [entry]);
  t.deepEqual(details, [
    { field: 'f.triggers[1]', message: 'f has no handler of b' },
    { field: 'f.triggers[2]', message: 'f has no handler of c' },
    { field: 'f.direct[1]', message: 'f has no handler of d' },
    { field: 'f.schedules[0]', message: `f has no handler of ${eventTypes.tick}` },
  ]);
});

test('a trigger whose types its filters do not name needs a handler of some type', (t) => {
  const open: readonly Trigger[] = [
    { ...triggerOf('every', 'a'), filter: {} },
    rich('prefix', { prefix: { type: 'a.' } }),
    rich('either', { any: [{ exact: { type: 'z' } }, { exact: { kind: 'k' } }] }),
    rich('not', { not: { exact: { type: 'z' } } }),
    rich('cesql', { cesql: "type = 'z'" }),
    rich(
      'both',
      { exact: { type: 'a' } },
      { any: [{ exact: { type: 'a' } }, { exact: { type: 'z' } }] },
    ),
  ];
  for (const trigger of open) {
    const entry = entryOf('f', { triggers: [trigger] });
    t.notThrows(() => checkHandlers([{ fn: fnOf('f', 'a'), entry }]), trigger.name);
    t.throws(() => checkHandlers([{ fn: { name: 'f' }, entry }]), {
      code: 'CLV_CONFIG_INVALID',
      message: /^f\.triggers\[0\]: f has no handler/,
    });
  }
});
