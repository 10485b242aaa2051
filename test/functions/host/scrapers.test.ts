import test from 'ava';
import { createAgentCalls } from '../../../functions/host/agent-calls.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { eventOf, handlersOf } from './helpers.ts';
import { authorization, post, start } from './start-host.ts';
import { startControlPlane } from './telemetry/control-plane.ts';

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

test('a host lets scrapers have the metrics and nothing else, and no agent for one', async (t) => {
  const asked: (string | undefined)[] = [];
  const { url } = await start(
    t,
    { handlers: handlersOf(['direct'], async () => undefined) },
    {
      agents: createAgentCalls('a-token-of-the-agents'),
      admitScraper: async (given) => {
        asked.push(given);
        if (given !== 'Bearer prometheus') throw new CloverError('CLV_FORBIDDEN', 'no');
      },
    },
  );
  const scrape = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(`${url}/metrics`, { headers })).status;
  // Metrics are switched off here: who gets that far is let in.
  t.is(await scrape(bearer('prometheus')), 404);
  t.is(await scrape(bearer('others')), 403);
  t.is(await scrape({}), 403);
  t.deepEqual(asked, ['Bearer prometheus', 'Bearer others', undefined]);
  t.is(await scrape({ authorization }), 404);
  t.is(await scrape(bearer('a-token-of-the-agents')), 403);
  t.is(asked.length, 3, 'who is known is not asked for');
  const event = eventOf({ type: 'direct' });
  t.is((await post(`${url}/functions/f`, event, bearer('prometheus'))).status, 401);
  t.is((await fetch(`${url}/metrics/more`, { headers: bearer('prometheus') })).status, 401);
});

test('a control plane is scraped with a token that is good for that alone', async (t) => {
  const metricsToken = 'a-token-for-prometheus';
  const { url } = await startControlPlane(t, { metricsToken });
  const get = (path: string, headers: Record<string, string>): Promise<Response> =>
    fetch(`${url}${path}`, { headers });
  const page = await get('/metrics', bearer(metricsToken));
  t.is(page.status, 200);
  t.regex(await page.text(), /^clover_build_info\{/m);
  t.is((await get('/metrics', {})).status, 401);
  t.is((await get('/metrics', bearer('a-token-of-nobodys'))).status, 401);
  for (const path of ['/v1/status', '/apis/clover.dev/v1alpha1/taps', '/v1/events']) {
    t.is((await get(path, bearer(metricsToken))).status, 401, path);
  }
});

test('without a token for it nobody but every caller scrapes', async (t) => {
  const { url, headers } = await startControlPlane(t, {});
  t.is((await fetch(`${url}/metrics`)).status, 401);
  t.is((await fetch(`${url}/metrics`, { headers: bearer('') })).status, 401);
  t.is((await fetch(`${url}/metrics`, { headers })).status, 200);
});
