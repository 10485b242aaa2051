import type { ExecutionContext } from 'ava';
import type { ApiClient } from '../../../functions/api/client.ts';
import type { EventDocument } from '../../../functions/api/schemas/broker.ts';
import { onBytes } from '../../../functions/host/event-handler.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { hostedBeside } from '../../functions/api/hosted.ts';
import { entryOf, triggerOf } from '../../functions/host/helpers.ts';
import { token } from '../../functions/host/serving.ts';

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
  const taken: CloudEvent[] = [];
  const keep = async (event: CloudEvent): Promise<void> => {
    taken.push(event);
  };
  const keeper = { name: 'keeper', handlers: [onBytes('test.hello', keep)] };
  const entry = entryOf('keeper', { triggers: [triggerOf('keeper-test', 'test.hello')] });
  const { url, client } = await hostedBeside(t, keeper, entry);
  return {
    taken,
    publish: (event) => client.publish(event),
    client,
    variables: { CLOVER_SERVER: url, CLOVER_TOKEN: token },
  };
}
