import test, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { createKubernetesGuard } from '../../../functions/resources/kubernetes/kubernetes-guard.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import type { Log } from '../../../functions/lib/log.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import { silent } from '../host/helpers.ts';
import { examples } from '../resources/examples.ts';
import { onWire, refusal, reply, type Answer, type Asked } from '../resources/kubernetes/wire.ts';
import { startGuarded } from './guarded.ts';

const ann = {
  username: 'ann',
  uid: 'u',
  groups: ['system:authenticated'],
  extra: { 'example.dev/team': ['shop'] },
};
const tokenReview = z.object({ spec: z.object({ token: z.string() }) });
const accessReview = z.object({
  spec: z.looseObject({
    resourceAttributes: z.record(z.string(), z.string()).optional(),
    nonResourceAttributes: z.record(z.string(), z.string()).optional(),
  }),
});

const isTokenReview = ({ path }: Asked): boolean => path.endsWith('/tokenreviews');
const isSubjectAccessReview = ({ path }: Asked): boolean => path.endsWith('/subjectaccessreviews');

/** What an access review asks for, in one line. */
function wanted({ body }: Asked): string {
  const { resourceAttributes: of, nonResourceAttributes: at } = accessReview.parse(body).spec;
  if (of === undefined) return `${at?.['verb']} ${at?.['path']}`;
  const { verb, resource, group, namespace = '*', name = '*' } = of;
  return `${verb} ${resource}.${group} ${namespace}/${name}`;
}

interface Options {
  /** Default: everything. */
  readonly mayNot?: (wish: string) => boolean;
  readonly answer?: (asked: Asked) => Answer | undefined;
  readonly log?: Log;
}

interface Sent {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The API before a cluster that knows one token, `good`. */
async function start(t: ExecutionContext, { mayNot, answer, log = silent }: Options = {}) {
  let time = 0;
  const { client, asked } = await onWire(t, (one) => {
    const other = answer?.(one);
    if (other !== undefined) return other;
    if (!isTokenReview(one))
      return reply({ status: { allowed: mayNot?.(wanted(one)) !== true } }, 201);
    const known = tokenReview.parse(one.body).spec.token === 'good';
    return reply(
      { status: known ? { authenticated: true, user: ann } : { user: {}, error: 'no' } },
      201,
    );
  });
  const resources = createLocalStore({ path: ':memory:', clock: systemClock });
  const guard = createKubernetesGuard(client, { log, now: () => time });
  const url = await startGuarded(t, { guard, resources });
  return {
    asked,
    resources,
    wishes: () => asked.filter(isSubjectAccessReview).map(wanted),
    pass: (ms: number) => (time += ms),
    call: async (path: string, init: Sent = {}, token = 'good') => {
      const headers = {
        ...init.headers,
        ...(token !== '' && { authorization: `Bearer ${token}` }),
      };
      const response = await fetch(`${url}${path}`, { ...init, headers });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text };
    },
  };
}

const root = '/apis/clover.dev/v1alpha1';
const taps = `${root}/namespaces/shop/taps`;
const document = {
  method: 'PUT',
  body: JSON.stringify(examples.Tap),
  headers: { 'content-type': 'application/json' },
};

test('each operation asks for the verb, the objects or the path that a user of a cluster expects', async (t) => {
  const cases: readonly (readonly [string, Sent, number, readonly string[]])[] = [
    [`${root}/taps`, {}, 200, ['list taps.clover.dev */*']],
    [taps, {}, 200, ['list taps.clover.dev shop/*']],
    [`${taps}?watch=false`, {}, 200, ['list taps.clover.dev shop/*']],
    [`${taps}?watch=1&timeoutSeconds=1`, {}, 200, ['watch taps.clover.dev shop/*']],
    [`${taps}?watch=yes`, {}, 400, ['watch taps.clover.dev shop/*']],
    [
      `${taps}/web`,
      document,
      201,
      ['create taps.clover.dev shop/web', 'update taps.clover.dev shop/web'],
    ],
    [`${taps}/web`, {}, 200, ['get taps.clover.dev shop/web']],
    [`${taps}/web`, { method: 'HEAD' }, 200, ['get taps.clover.dev shop/web']],
    [`${taps}/web`, { method: 'DELETE' }, 200, ['delete taps.clover.dev shop/web']],
    [
      '/apis/events.k8s.io/v1/namespaces/shop/events',
      {},
      200,
      ['list events.events.k8s.io shop/*'],
    ],
    ['/v1/runs/shop/r1/looks', {}, 404, ['get experimentruns.clover.dev shop/r1']],
    ['/v1/status', {}, 200, ['get /v1/status']],
    ['/v1/questions/red?last=1m', {}, 200, ['get /v1/questions/red']],
    ['/v1/version', {}, 200, ['get /version']],
    ['/apis', {}, 200, ['get /apis']],
  ];
  for (const [path, init, status, wishes] of cases) {
    const api = await start(t);
    if (init.method !== 'PUT') await api.resources.applySpec(examples.Tap, { manager: 'test' });
    t.is((await api.call(path, init)).status, status, path);
    t.deepEqual(api.wishes().toSorted(), wishes, path);
  }
});

test('who has no token, or one that the cluster does not know, is 401 before anything else is looked at', async (t) => {
  const api = await start(t);
  for (const token of ['', 'bad']) {
    for (const path of [`${taps}/web`, `${taps}?watch=nonsense`, '/v1/status']) {
      const { status, headers, text } = await api.call(path, {}, token);
      t.is(status, 401, path);
      t.is(headers.get('www-authenticate'), 'Bearer realm="clover"');
      t.regex(text, /kubectl create token.*"CLV_UNAUTHORIZED"/);
      t.false(text.includes('bad'), 'a token is not shown');
    }
  }
  t.deepEqual(api.wishes(), []);
  t.is(await api.resources.get('Tap', 'shop', 'web'), undefined);
});

test('who may not is 403, and it is said what is missing; a right that is given counts at once', async (t) => {
  const missing = new Set(['create taps.clover.dev shop/web', 'get /v1/status']);
  const api = await start(t, { mayNot: (wish) => missing.has(wish) });
  const refused = await api.call(`${taps}/web`, document);
  t.is(refused.status, 403);
  t.regex(refused.text, /"CLV_FORBIDDEN"/);
  t.regex(refused.text, /ann may not create taps\.clover\.dev\/web -n shop: .*\\"edit\\"/);
  t.is(await api.resources.get('Tap', 'shop', 'web'), undefined);
  t.regex((await api.call('/v1/status')).text, /ann may not get \/v1\/status: .*\\"view\\"/);
  missing.clear();
  t.is((await api.call(`${taps}/web`, document)).status, 201);
});

test('the cluster is told all that it knows of the caller', async (t) => {
  const api = await start(t);
  await api.call(taps);
  const { username: user, ...rest } = ann;
  t.like(api.asked.find(isSubjectAccessReview)?.body, { spec: { user, ...rest } });
});

test('what the cluster said counts for ten seconds, for the same token and the same wish', async (t) => {
  const api = await start(t);
  await Promise.all([api.call(taps), api.call(taps)]);
  await api.call(taps);
  t.is(api.asked.length, 2);
  await api.call(`${taps}/web`);
  t.is(api.asked.length, 3, 'another wish, of a caller who is known');
  api.pass(10_000);
  await api.call(taps);
  t.is(api.asked.length, 5);
});

test('a cluster that does not let the API ask, or is not there, lets nobody through', async (t) => {
  const forbidden = await start(t, { answer: () => refusal(403, 'api may not') });
  t.is((await forbidden.call(taps)).status, 502);
  const broken = await start(t, { answer: () => (response) => response.destroy() });
  t.is((await broken.call(taps)).status, 503);
  const strange = await start(t, { answer: () => reply({}, 201) });
  t.is((await strange.call(taps)).status, 500);
});

test('health, and what describes the API, are open to everyone', async (t) => {
  const api = await start(t, { mayNot: () => true });
  for (const path of ['/health/live', '/health/ready', '/openapi.json']) {
    t.is((await api.call(path, {}, '')).status, 200, path);
  }
  t.is(api.asked.length, 0);
});

test('the log names who writes what, and not who reads', async (t) => {
  const lines: unknown[] = [];
  const log = { ...silent, info: (fields: unknown) => lines.push(fields) };
  const api = await start(t, { log });
  await api.call(taps);
  await api.call(`${taps}/web`, document);
  const of = {
    actor: 'ann',
    group: 'clover.dev',
    resource: 'taps',
    namespace: 'shop',
    name: 'web',
  };
  t.deepEqual(lines, [
    { ...of, verb: 'create' },
    { ...of, verb: 'update' },
  ]);
});

test('who may not scrape is told the role of the namespace that Clover is in', async (t) => {
  const { client } = await onWire(t, (one) =>
    isTokenReview(one)
      ? reply({ status: { authenticated: true, user: ann } }, 201)
      : reply({ status: { allowed: false } }, 201),
  );
  for (const [options, role] of [
    [{ log: silent, namespace: () => 'nfv' }, 'nfv-metrics-reader'],
    [{ log: silent }, 'clover-system-metrics-reader'],
  ] as const) {
    const guard = createKubernetesGuard(client, options);
    const error = await t.throwsAsync(
      guard.admit('Bearer good', [{ verb: 'get', path: '/metrics' }]),
    );
    t.regex(error?.message ?? '', new RegExp(`the ClusterRole "${role}"$`));
  }
});
