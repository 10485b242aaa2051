import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { FunctionEntry } from '../../../knative/catalogue.ts';
import type { CloverFunction } from '../../../functions/host/function.ts';
import { serve, type Serving } from '../../../functions/host/serve.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import type { ResourceStore } from '../../../functions/resources/store.ts';
import { silent, temporaryFolder } from './helpers.ts';

/** The token of {@link served}. */
export const token = 'token-of-the-test';

/** A host with these functions, gone with the test. */
export async function served(
  t: ExecutionContext,
  functions: readonly CloverFunction[],
  catalogue: readonly FunctionEntry[],
  resources?: ResourceStore,
): Promise<Serving> {
  const folder = await temporaryFolder(t);
  const serving = await serve({
    functions,
    catalogue,
    brokerPath: join(folder, 'broker.db'),
    token,
    listen: { host: '127.0.0.1', port: 0 },
    clock: systemClock,
    log: silent,
    onFatal: (error) => t.fail(String(error)),
    drainGraceMs: 0,
    ...(resources === undefined ? {} : { resources }),
  });
  t.teardown(() => serving.drain());
  return serving;
}
