import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createBroker } from '../../../../functions/host/broker/broker.ts';
import { planDelivery } from '../../../../functions/host/broker/delivery.ts';
import { CloverError } from '../../../../functions/lib/errors.ts';
import { silent, temporaryFolder } from '../helpers.ts';
import { entryFor } from './open-broker.ts';

const good = {
  retry: 3,
  backoffPolicy: 'exponential',
  backoffDelay: 'PT0.2S',
  timeout: 'PT30S',
} as const;

test('a delivery is read to numbers', (t) => {
  t.deepEqual(planDelivery(good, 'd'), {
    retry: 3,
    backoffPolicy: 'exponential',
    backoffDelayMs: 200,
    timeoutMs: 30_000,
    retryAfterMaxMs: Infinity,
  });
  const other = { ...good, retry: 0, timeout: 'P1D', backoffDelay: 'P0D', retryAfterMax: 'PT0S' };
  t.like(planDelivery(other, 'd'), {
    timeoutMs: 86_400_000,
    backoffDelayMs: 0,
    retryAfterMaxMs: 0,
  });
});

/** What a catalogue that is not of TypeScript may say. */
const cases: readonly (readonly [field: string, value: unknown, message: RegExp])[] = [
  ['retry', -1, /found -1; must be at least 0/],
  ['retry', 2.5, /found 2.5; expected int/],
  ['retry', '3', /found "3"; expected/],
  ['retry', null, /found null; expected/],
  ['retry', undefined, /is required/],
  ['backoffPolicy', 'constant', /found "constant"; allowed: linear, exponential/],
  ['backoffDelay', '10s', /found "10s"; must be an ISO 8601 duration such as PT0.2S/],
  ['backoffDelay', 'P1DT1S', /found "P1DT1S"; must be at most a day/],
  ['timeout', 'PT0S', /found "PT0S"; must be longer than nothing/],
  ['timeout', 'PT9999H', /found "PT9999H"; must be at most a day/],
  ['timeout', 30, /found 30; expected string/],
  ['retryAfterMax', '10s', /found "10s"; must be an ISO 8601 duration/],
  ['deadLetterSink', {}, /unknown field/],
];

test('a bad delivery is refused with its place before the file of the broker is made', async (t) => {
  const path = join(await temporaryFolder(t), 'broker.db');
  for (const [field, value, message] of cases) {
    const delivery = { [field]: value };
    const opening = createBroker({
      path,
      entries: [entryFor(['a', 'b'], delivery)],
      log: silent,
      onFatal: () => undefined,
    });
    const error = await t.throwsAsync(opening, { instanceOf: CloverError });
    t.is(error.code, 'CLV_CONFIG_INVALID');
    t.is(error.details[0]?.field, `f.triggers[0].delivery.${field}`);
    t.regex(error.message, message);
    t.false(existsSync(path));
  }
});
