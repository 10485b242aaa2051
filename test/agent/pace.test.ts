import test from 'ava';
import { parseRetryAfter } from '../../agent/http-client.ts';
import { createPace } from '../../agent/pace.ts';

test('concurrency grows one by one to four and halves on refusal', (t) => {
  const pace = createPace(() => 0);
  t.is(pace.window, 1);
  for (let round = 0; round < 50; round += 1) pace.onSuccess();
  t.is(pace.window, 4);
  pace.onRefusal(0, undefined);
  t.is(pace.window, 2);
  for (let round = 0; round < 9; round += 1) pace.onRefusal(round, undefined);
  t.is(pace.window, 1);
});

test('back-off doubles with each refusal up to five seconds, and a success resets it', (t) => {
  const pace = createPace(() => 1);
  const waits: number[] = [];
  let now = 1_000;
  for (let round = 0; round < 7; round += 1) {
    pace.onRefusal(now, undefined);
    waits.push(pace.notBefore - now);
    now = pace.notBefore;
  }
  t.deepEqual(waits, [200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  pace.onSuccess();
  pace.onRefusal(now, undefined);
  t.is(pace.notBefore - now, 200);
});

test('refusals of one moment count as one', (t) => {
  const pace = createPace(() => 1);
  for (let round = 0; round < 4; round += 1) pace.onRefusal(1_000, undefined);
  t.is(pace.notBefore, 1_200);
});

test('Retry-After is a lower bound of the wait', (t) => {
  const pace = createPace(() => 1);
  pace.onRefusal(1_000, 3_000);
  t.is(pace.notBefore, 4_000);
});

test('Retry-After may be seconds or a date, and nonsense is ignored', (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  t.is(parseRetryAfter('7', now), 7_000);
  t.is(parseRetryAfter('Thu, 01 Jan 2026 00:00:09 GMT', now), 9_000);
  t.is(parseRetryAfter('soon', now), undefined);
  t.is(parseRetryAfter(undefined, now), undefined);
});
