import test from 'ava';
import { eventTypes } from '../../../knative/events.ts';
import { createAgentCalls } from '../../../functions/host/agent-calls.ts';
import type { CloudEvent } from '../../../functions/lib/cloud-event.ts';
import { eventOf, handlersOf } from './helpers.ts';
import { authorization, post, start } from './start-host.ts';

const agent = { authorization: 'Bearer a-token-of-the-agents' };
const agents = createAgentCalls('a-token-of-the-agents');
const nothing = async (): Promise<void> => undefined;
const codeOf = async (response: Response): Promise<unknown> => {
  const body: unknown = await response.json();
  return typeof body === 'object' && body !== null && 'code' in body ? body.code : body;
};

test('agents send spans and evidence and read Taps, and are refused everything else by name', (t) => {
  for (const [method, path] of [
    ['POST', '/functions/ingest'],
    ['POST', '/broker'],
    ['GET', '/apis/clover.dev/v1alpha1/taps'],
  ] as const) {
    t.notThrows(() => agents.demand(method, path), `${method} ${path}`);
  }
  for (const [method, path] of [
    ['GET', '/broker'],
    ['GET', '/metrics'],
    ['POST', '/functions/evaluate'],
    ['POST', '/functions/%69ngest'],
    ['POST', '/functions/ingest/'],
    ['POST', '/apis/clover.dev/v1alpha1/taps'],
    ['GET', '/apis/clover.dev/v1alpha1/trafficpolicies'],
    ['PUT', '/apis/clover.dev/v1alpha1/namespaces/shop/trafficpolicies/checkout'],
    ['DELETE', '/apis/clover.dev/v1alpha1/namespaces/shop/experiments/checkout'],
    ['GET', '/v1/status'],
    [undefined, '/broker'],
  ] as const) {
    const error = t.throws(() => agents.demand(method, path), { code: 'CLV_FORBIDDEN' });
    t.true(error.message.includes(path), error.message);
  }
});

test('a host asks agents for no more than they may, and takes no change of an object from them', async (t) => {
  const published: CloudEvent[] = [];
  const { url } = await start(
    t,
    { handlers: handlersOf(['direct'], nothing) },
    {
      agents,
      publish: async (event) => {
        published.push(event);
      },
    },
  );
  const report = eventOf({ id: 'report', type: eventTypes.evidence });
  const forged = eventOf({ id: 'forged', type: eventTypes.resourceUpdated });
  t.is((await post(`${url}/broker`, report, agent)).status, 202);
  const refused = await post(`${url}/broker`, forged, agent);
  t.is(refused.status, 403);
  t.is(await codeOf(refused), 'CLV_FORBIDDEN');
  t.is((await post(`${url}/broker`, forged)).status, 202);
  t.deepEqual(
    published.map(({ id }) => id),
    ['report', 'forged'],
  );

  t.is((await post(`${url}/functions/f`, eventOf({ type: 'direct' }), agent)).status, 403);
  t.is((await post(`${url}/functions/f`, eventOf({ type: 'direct' }))).status, 204);
  t.is((await fetch(`${url}/one`, { headers: agent })).status, 403);
  t.is((await fetch(`${url}/one`, { headers: { authorization } })).status, 404);
  const other = { authorization: 'Bearer a-token-of-nobodys' };
  t.is((await post(`${url}/broker`, report, other)).status, 401);
});

test('where agents have no token of their own, none is taken for it', async (t) => {
  const { url } = await start(t, { handlers: handlersOf(['direct'], nothing) });
  t.is((await post(`${url}/broker`, eventOf({ type: eventTypes.evidence }), agent)).status, 401);
});
