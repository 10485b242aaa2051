import type { ExecutionContext } from 'ava';
import type { FunctionEntry } from '../../../knative/catalogue.ts';
import { createApiClient, type ApiClient } from '../../../functions/api/client.ts';
import { createApi } from '../../../functions/api/function.ts';
import type { CloverFunction } from '../../../functions/host/function.ts';
import type { Serving } from '../../../functions/host/serve.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import { entryOf } from '../host/helpers.ts';
import { served, token } from '../host/serving.ts';
import { rows } from './server.ts';

/** The API beside another function, on a real host with a real broker; it is taken down with the test. */
export async function hostedBeside(
  t: ExecutionContext,
  other: CloverFunction,
  entry: FunctionEntry,
): Promise<{ readonly url: string; readonly client: ApiClient }> {
  const store = createLocalStore({ path: ':memory:', clock: systemClock });
  const serving = Promise.withResolvers<Serving>();
  const api = createApi({
    resources: store,
    analytics: { red: async () => rows.red, storedArms: async () => rows.arms },
    evidence: { totals: async () => rows.totals, looks: async () => rows.looks },
    broker: async () => (await serving.promise).admin,
    status: async () => (await serving.promise).counters(),
    clock: systemClock,
    version: '1.2.3',
  });
  // Before the host: what is registered last is taken down first.
  t.teardown(() => store.close());
  const apiEntry = entryOf('api', { paths: ['/apis', '/openapi.json', '/v1'] });
  const started = await served(t, [api, other], [apiEntry, entry]);
  serving.resolve(started);
  return { url: started.url, client: createApiClient({ url: started.url, token }) };
}
