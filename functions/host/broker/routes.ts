import type { FunctionEntry } from '../../../knative/catalogue.ts';
import { refuseTwice, type Named } from '../check-names.ts';
import type { DeliveryPlan } from './delivery-plan.ts';
import { planDelivery } from './delivery.ts';
import { compileTriggers } from './filters.ts';
import type { Route } from './messages.ts';

/** Deliveries of one trigger at the same time. */
const triggerConcurrency = 16;

/**
 * Knative's PingSource: five retries from 50 ms. A tick that fails for longer is given up, and the
 * next one heals the gap; kept ticks would only push real dead letters out.
 */
const tickDelivery: DeliveryPlan = {
  retry: 5,
  backoffPolicy: 'exponential',
  backoffDelayMs: 50,
  timeoutMs: 30_000,
  retryAfterMaxMs: Infinity,
};

/** Name of the route that carries a schedule's ticks. */
export const tickRoute = (schedule: string): string => `schedule/${schedule}`;

/** Whether a route carries ticks. */
export const isTickRoute = (route: string): boolean => route.startsWith(tickRoute(''));

/**
 * The ways out of the queue for these functions: one per trigger and one per schedule.
 * @throws CloverError CLV_FILTER_INVALID; CLV_CONFIG_INVALID for a bad delivery, and for a name that is there twice.
 */
export function routesOf(entries: readonly FunctionEntry[]): readonly Route[] {
  refuseTwice(entries.flatMap(namesOf));
  return entries.flatMap((entry): readonly Route[] => [
    ...compileTriggers(entry).map(({ trigger, filter }, index) => ({
      name: trigger.name,
      function: entry.name,
      filter,
      delivery: planDelivery(trigger.delivery, `${entry.name}.triggers[${index}].delivery`),
      concurrency: triggerConcurrency,
      keepsDead: true,
    })),
    ...entry.schedules.map((schedule) => ({
      name: tickRoute(schedule.name),
      function: entry.name,
      delivery: tickDelivery,
      concurrency: 1,
      keepsDead: false,
    })),
  ]);
}

/** What the routes of a function will be called, and where that stands. */
function namesOf({ name: of, triggers, schedules }: FunctionEntry): readonly Named[] {
  return [
    ...triggers.map(({ name }, index) => ({ name, field: `${of}.triggers[${index}].name` })),
    ...schedules.map(({ name }, index) => ({
      name: tickRoute(name),
      field: `${of}.schedules[${index}].name`,
    })),
  ];
}
