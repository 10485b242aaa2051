import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createBroker, type Broker } from '../../../../functions/host/broker/broker.ts';
import type { QueueLimits } from '../../../../functions/host/broker/messages.ts';
import type { Delivery, FunctionEntry, Trigger } from '../../../../knative/catalogue.ts';
import { entryOf, silent, temporaryFolder } from '../helpers.ts';

/** Opens a broker for the time of the test. */
export async function openBroker(
  t: ExecutionContext,
  entries: readonly FunctionEntry[],
  { path, limits }: { readonly path?: string; readonly limits?: Partial<QueueLimits> } = {},
): Promise<Broker> {
  const broker = await createBroker({
    path: path ?? join(await temporaryFolder(t), 'broker.db'),
    entries,
    log: silent,
    onFatal: (error) => t.fail(String(error)),
    ...(limits === undefined ? {} : { limits }),
  });
  t.teardown(() => broker.close());
  return broker;
}

/** A function `f` with a trigger of its own for every type. */
export function entryFor(
  types: readonly string[],
  delivery: Partial<Delivery> = {},
): FunctionEntry {
  const quick: Delivery = {
    retry: 3,
    backoffPolicy: 'exponential',
    backoffDelay: 'PT0.02S',
    // A test that wants a timeout says so: no other one may hang on how fast the machine is.
    timeout: 'PT10M',
  };
  const trigger = (type: string): Trigger => ({
    name: `on-${type}`,
    filter: { type },
    delivery: { ...quick, ...delivery },
  });
  return entryOf('f', { triggers: types.map(trigger) });
}

/** Whether no row waits or is in flight. */
export async function isEmpty(broker: Broker): Promise<boolean> {
  return (await broker.counters()).depth === 0;
}
