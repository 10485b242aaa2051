import type { Dispatcher } from '../../../../functions/host/broker/dispatcher.ts';
import type { DeliverMessage, Posted } from '../../../../functions/host/broker/messages.ts';
import type { Queue } from '../../../../functions/host/broker/queue.ts';
import { routesOf } from '../../../../functions/host/broker/routes.ts';
import { entryOf, triggerOf } from '../helpers.ts';

/** Of the triggers. */
export const retry = 2;
/** Two triggers of one function, for the same type. */
export const routes = routesOf([
  entryOf('f', { triggers: [triggerOf('one', 'a', retry), triggerOf('two', 'a', retry)] }),
]);
/** Room for all that a test does. */
export const limits = {
  deliveries: 1_000,
  bytes: 1e6,
  deadLetters: 1_000,
  deadLetterBytes: 1e6,
  fileBytes: 1e9,
};
/** An event for these triggers. */
export const posted = (to: readonly string[] = ['one', 'two'], size = 2): Posted => ({
  routes: to,
  header: JSON.stringify({ specversion: '1.0', id: '1', source: '/test', type: 'a' }),
  data: new Uint8Array(size),
});
/** The answer of a function. */
export const status = (value: number) => ({ status: value, message: '' });

/** What a turn led to. */
export interface Turned {
  readonly out: readonly DeliverMessage[];
  readonly wake: number | undefined;
}

/** One turn of the worker. */
export const turn = (queue: Queue, dispatcher: Dispatcher, work: () => void = () => {}): Turned => {
  let wake: number | undefined;
  try {
    queue.transaction(() => {
      work();
      wake = dispatcher.pump();
    });
  } catch (error) {
    dispatcher.rolledBack();
    throw error;
  }
  return { out: dispatcher.committed(), wake };
};
