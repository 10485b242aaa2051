import test from 'ava';
import { backOffMs, decide, waitMs } from '../../../../functions/host/broker/back-off.ts';
import type { DeliveryPlan } from '../../../../functions/host/broker/delivery-plan.ts';

/** Instants of the deliveries when each one fails at once. */
const instants = (delivery: DeliveryPlan): number[] => {
  const times = [0];
  for (let retry = 1; retry <= delivery.retry; retry += 1) {
    times.push((times.at(-1) ?? 0) + backOffMs(delivery, retry));
  }
  return times;
};

const outcome = (status: number, retryAfterMs: number) => ({ status, message: '', retryAfterMs });

test('deliveries fall on the instants that were measured on a Knative broker', (t) => {
  const rest = { timeoutMs: 2_000, retryAfterMaxMs: Infinity };
  t.deepEqual(
    instants({ retry: 3, backoffPolicy: 'linear', backoffDelayMs: 500, ...rest }),
    [0, 0, 500, 1_500],
  );
  t.deepEqual(
    instants({ retry: 4, backoffPolicy: 'exponential', backoffDelayMs: 200, ...rest }),
    [0, 200, 600, 1_400, 3_000],
  );
});

test('without retryAfterMax a Retry-After is heard, and no wait is longer than a day', (t) => {
  const delivery = {
    retry: 200,
    backoffPolicy: 'exponential',
    backoffDelayMs: 200,
    timeoutMs: 2_000,
    retryAfterMaxMs: Infinity,
  } as const;
  const day = 24 * 3_600_000;
  t.is(waitMs(delivery, 1, outcome(429, 3_000)), 3_000);
  t.is(waitMs(delivery, 6, outcome(503, 3_000)), 6_400, 'it never shortens a wait');
  t.is(waitMs(delivery, 1, outcome(504, 3_000)), 200);
  t.is(waitMs({ ...delivery, retryAfterMaxMs: 2_000 }, 1, outcome(429, 3_000)), 2_000);
  t.is(waitMs({ ...delivery, retryAfterMaxMs: 0 }, 1, outcome(429, 3_000)), 200);
  for (const retryAfterMs of [Infinity, 1e300]) {
    t.is(waitMs(delivery, 1, outcome(429, retryAfterMs)), day);
  }
  for (const retryAfterMs of [-1, NaN]) t.is(waitMs(delivery, 1, outcome(429, retryAfterMs)), 200);
  t.is(waitMs(delivery, 199, outcome(500, 0)), day);
  t.is(waitMs({ ...delivery, backoffDelayMs: 0 }, 2_000, outcome(500, 0)), 0);
  t.true(Number.isSafeInteger(waitMs(delivery, 1, outcome(429, 1.5))));
});

test('statuses are told apart as Knative does', (t) => {
  for (const status of [200, 202, 204]) t.is(decide(status), 'done');
  for (const status of [404, 408, 409, 429, 500, 501, 503, 504]) t.is(decide(status), 'retry');
  for (const status of [400, 401, 403, 410, 413, 415, 422]) t.is(decide(status), 'dead');
});
