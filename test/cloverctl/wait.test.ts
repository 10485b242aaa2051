import process from 'node:process';
import test from 'ava';
import { createCliEnv } from '../../cloverctl/env.ts';
import { waitUntilDone } from '../../cloverctl/wait.ts';
import { createApiClient } from '../../functions/api/client.ts';
import { startApi } from '../functions/api/server.ts';
import { examples } from '../functions/resources/examples.ts';

const env = createCliEnv(process);

test('the wait for an object that was deleted, or made anew, before it began ends with that', async (t) => {
  const api = await startApi(t);
  const client = createApiClient(api);
  const { object } = await client.apply(examples.TrafficPolicy);
  const { namespace, name } = object.metadata;
  const waits = () => waitUntilDone(client, object, 60_000, env);
  const gone = {
    code: 'CLV_NOT_FOUND',
    message: 'TrafficPolicy proxy was deleted during the wait',
  };
  await client.delete('TrafficPolicy', namespace, name);
  await t.throwsAsync(waits(), gone);
  await client.apply(examples.TrafficPolicy);
  await t.throwsAsync(waits(), gone);
});

test('the time that a wait was given is told as it was given', async (t) => {
  const client = createApiClient(await startApi(t));
  const { object } = await client.apply(examples.TrafficPolicy);
  await t.throwsAsync(waitUntilDone(client, object, 1, env), {
    code: 'CLV_DEADLINE_EXCEEDED',
    message: 'TrafficPolicy proxy was not done after 0.001 s',
  });
});
