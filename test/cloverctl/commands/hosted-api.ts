import type { ExecutionContext } from 'ava';
import { createApiClient, type ApiClient } from '../../../functions/api/client.ts';
import { createApi } from '../../../functions/api/function.ts';
import type { EventDocument } from '../../../functions/api/schemas/broker.ts';
import { onBytes } from '../../../functions/host/event-handler.ts';
import type { Serving } from '../../../functions/host/serve.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import { rows } from '../../functions/api/server.ts';
import { entryOf, triggerOf } from '../../functions/host/helpers.ts';
import { served, token } from '../../functions/host/serving.ts';

/** A control plane with a function that keeps what it is given. */
export interface HostedApi {
  /** Events of type `test.hello` that were delivered. */
  readonly taken: readonly CloudEvent[];
  readonly publish: (event: EventDocument) => Promise<void>;
  readonly client: ApiClient;
  /** What cloverctl finds it by. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The API on a real host with a real broker; it is taken down with the test. */
export async function startHostedApi(t: ExecutionContext): Promise<HostedApi> {
  const store = createLocalStore({ path: ':memory:', clock: systemClock });
  const serving = Promise.withResolvers<Serving>();
  const taken: CloudEvent[] = [];
  const api = createApi({
    resources: store,
    analytics: { red: async () => rows.red, storedArms: async () => rows.arms },
    evidence: { totals: async () => rows.totals, looks: async () => rows.looks },
    broker: async () => (await serving.promise).admin,
    status: async () => (await serving.promise).counters(),
    clock: systemClock,
    version: '1.2.3',
  });
  const keep = async (event: CloudEvent): Promise<void> => {
    taken.push(event);
  };
  // Before the host: what is registered last is taken down first.
  t.teardown(() => store.close());
  const started = await served(
    t,
    [api, { name: 'keeper', handlers: [onBytes('test.hello', keep)] }],
    [
      entryOf('api', { paths: ['/apis', '/openapi.json', '/v1'] }),
      entryOf('keeper', { triggers: [triggerOf('keeper-test', 'test.hello')] }),
    ],
  );
  serving.resolve(started);
  const client = createApiClient({ url: started.url, token });
  return {
    taken,
    publish: (event) => client.publish(event),
    client,
    variables: { CLOVER_SERVER: started.url, CLOVER_TOKEN: token },
  };
}
