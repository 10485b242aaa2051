import { createServer, get, type IncomingMessage } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { startScrapeServer } from '../../agent/scrape-server.ts';
import { createKubernetesGuard } from '../../functions/resources/kubernetes/kubernetes-guard.ts';
import { listenOnLoopback, silent, until } from '../functions/host/helpers.ts';
import {
  onWire,
  refusal,
  reply,
  type Answer,
  type Asked,
} from '../functions/resources/kubernetes/wire.ts';

const page = 'clover_agent_requests_total 3\n';
const prometheus = 'system:serviceaccount:monitoring:prometheus';
const tokenReview = z.object({ spec: z.object({ token: z.string() }) });
const accessReview = z.object({
  spec: z.object({
    user: z.string(),
    nonResourceAttributes: z.object({ verb: z.string(), path: z.string() }),
  }),
});
/** Accounts by their tokens. */
const accounts: ReadonlyMap<string, string> = new Map([
  ['good', prometheus],
  ['idle', 'system:serviceaccount:shop:idle'],
]);

const isTokenReview = ({ path }: Asked): boolean => path.endsWith('/tokenreviews');

/** Of a cluster in which one account may read metrics. */
const answerOf = (asked: Asked): Answer => {
  if (isTokenReview(asked)) {
    const username = accounts.get(tokenReview.parse(asked.body).spec.token);
    const known = username !== undefined && { authenticated: true, user: { username } };
    return reply({ status: known || { user: {} } }, 201);
  }
  const { user, nonResourceAttributes: of } = accessReview.parse(asked.body).spec;
  const allowed = user === prometheus && of.verb === 'get' && of.path === '/metrics';
  return reply({ status: { allowed } }, 201);
};

interface Options {
  readonly answer?: (asked: Asked) => Answer;
  readonly metrics?: () => string | undefined;
}

interface Scraped {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** An agent's server for scrapes, before a cluster. */
async function start(
  t: ExecutionContext,
  { answer = answerOf, metrics = () => page }: Options = {},
) {
  let time = 0;
  const warnings: unknown[] = [];
  const log = silent.child({});
  log.warn = (fields: unknown) => warnings.push(fields);
  const { client, asked } = await onWire(t, answer);
  const listen = { host: '127.0.0.1', port: 0, shared: false };
  const guard = createKubernetesGuard(client, { log, now: () => time });
  const server = await startScrapeServer({ listen, guard, metrics, log });
  t.teardown(() => server.close());
  const request = (authorization?: string, path = '/metrics', method = 'GET') =>
    get({
      port: server.port,
      path,
      method,
      headers: authorization === undefined ? {} : { authorization },
    });
  return {
    asked,
    warnings,
    pass: (ms: number) => (time += ms),
    request,
    scrape: async (...args: Parameters<typeof request>): Promise<Scraped> => {
      const sent = request(...args);
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        sent.on('response', resolve).on('error', reject);
      });
      const { statusCode = 0, headers } = response;
      return { status: statusCode, headers, text: await textOf(response) };
    },
  };
}

test('an account that may get /metrics reads them, and is asked about again after ten seconds', async (t) => {
  const { asked, pass, scrape } = await start(t);
  const first = await scrape('Bearer good');
  t.is(first.status, 200);
  t.is(first.text, page);
  t.is(first.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  t.is(first.headers.connection, 'close', 'the next scrape finds the agent that counts by then');
  t.is((await scrape('bearer good', '/metrics?format=text')).status, 200);
  t.is(asked.length, 2);
  pass(10_000);
  t.is((await scrape('Bearer good')).status, 200);
  t.is(asked.length, 4);
});

test('without a token, and with one that the cluster does not know, it is 401', async (t) => {
  const { asked, scrape } = await start(t);
  const hostile = [
    '',
    'good',
    'Basic good',
    'Bearer',
    'Bearer  ',
    'Bearer good good',
    'Bearer bad',
  ];
  for (const authorization of [undefined, ...hostile]) {
    const { status, headers, text } = await scrape(authorization);
    t.is(status, 401, authorization);
    t.is(headers['www-authenticate'], 'Bearer realm="clover"');
    t.is(headers['content-type'], 'application/problem+json');
    t.regex(text, /"CLV_UNAUTHORIZED"/);
    t.false(text.includes('clover_agent') || text.includes('bad'), text);
  }
  t.is(asked.length, 1, 'only what may be a token is asked about');
});

test('an account without the right is 403, and is told which role has it; once it has it, it counts at once', async (t) => {
  let allowed = false;
  const { scrape } = await start(t, {
    answer: (asked) =>
      isTokenReview(asked) ? answerOf(asked) : reply({ status: { allowed } }, 201),
  });
  const refused = await scrape('Bearer idle');
  t.is(refused.status, 403);
  t.regex(refused.text, /shop:idle may not get \/metrics: .*clover-system-metrics-reader/);
  allowed = true;
  t.is((await scrape('Bearer idle')).status, 200);
});

test('nothing but GET /metrics is served, whoever asks, and the cluster is not asked for it', async (t) => {
  const { asked, scrape } = await start(t);
  for (const path of ['/ledger', '/health/live', '/health/ready', '/', '/metrics/', '//metrics']) {
    t.is((await scrape('Bearer good', path)).status, 404, path);
  }
  const post = await scrape('Bearer good', '/metrics', 'POST');
  t.is(post.status, 405);
  t.is(post.headers.allow, 'GET');
  t.is(asked.length, 0);
});

const broken: Answer = (response) => response.destroy();

test('where the cluster does not answer, or does not let the agent ask, nobody is let through; it is logged once', async (t) => {
  let answer = broken;
  const { asked, scrape, warnings } = await start(t, { answer: () => answer });
  const down = await scrape('Bearer good');
  t.is(down.status, 503);
  t.regex(down.text, /"CLV_KUBERNETES_UNREACHABLE"/);
  answer = refusal(403, 'the agent may not create tokenreviews');
  const forbidden = await scrape('Bearer good');
  t.is(forbidden.status, 502);
  t.regex(forbidden.text, /may not create tokenreviews/);
  answer = reply({}, 201);
  t.is((await scrape('Bearer good')).status, 500);
  t.is(warnings.length, 1);
  t.is(asked.length, 3, 'what failed is not kept');
});

test('an agent that does not count lets a scraper come again, and tells strangers nothing', async (t) => {
  let text: string | undefined;
  const { scrape, warnings } = await start(t, { metrics: () => text });
  t.is((await scrape('Bearer bad')).status, 401);
  const early = await scrape('Bearer good');
  t.is(early.status, 503);
  t.regex(early.text, /another agent of this node counts/);
  t.is(early.headers['retry-after'], '1');
  text = page;
  t.is((await scrape('Bearer good')).text, page);
  t.deepEqual(warnings, [], 'it is as it should be');
});

test('strangers make at most four questions at one time, also if they do not wait for the answer', async (t) => {
  let isHeld = true;
  const held: (() => unknown)[] = [];
  const { asked, request, scrape } = await start(t, {
    answer: (one) => (response) => {
      const answer = () => answerOf(one)(response, one);
      if (isHeld) held.push(answer);
      else answer();
    },
  });
  const gone = ['good', 'idle', 'stranger', 'other'].map((token) =>
    request(`Bearer ${token}`).on('error', () => undefined),
  );
  await until(() => asked.length === 4);
  for (const each of gone) {
    const closed = new Promise((resolve) => each.on('close', resolve));
    each.destroy();
    await closed;
  }
  const refused = await Promise.all(
    Array.from({ length: 30 }, (_one, index) => scrape(`Bearer other-${index}`)),
  );
  t.true(refused.every(({ status, text }) => status === 503 && text.includes('CLV_OVERLOADED')));
  t.is(asked.length, 4);
  isHeld = false;
  for (const answer of held) answer();
  // All places are free again, also that of who would have had the metrics.
  await until(async () => {
    const four = await Promise.all(gone.map(() => scrape('Bearer good')));
    return four.every(({ status }) => status === 200);
  });
});

test('a header that is too long ends at the parser', async (t) => {
  const { asked, scrape } = await start(t);
  t.is((await scrape(`Bearer ${'x'.repeat(20_000)}`)).status, 431);
  t.is(asked.length, 0);
});

test('a port that is taken is an error that names it', async (t) => {
  const other = createServer();
  const port = await listenOnLoopback(other);
  t.teardown(() => other.close());
  const listen = { host: '127.0.0.1', port, shared: false };
  const guard = { admit: async () => undefined };
  await t.throwsAsync(startScrapeServer({ listen, guard, metrics: () => page, log: silent }), {
    message: new RegExp(`EADDRINUSE.*127\\.0\\.0\\.1:${port}`),
  });
});
