import anyTest from 'ava';
import { z } from 'zod';
import { canonicalJson } from '../../functions/lib/canonical-json.ts';
import { systemClock } from '../../functions/lib/clock.ts';
import { sampleRatioLogBayesFactor } from '../../functions/lib/statistics/sample-ratio.ts';
import { createIstioTarget } from '../../functions/mesh/istio/istio-target.ts';
import { compile } from '../../functions/policy/compile.ts';
import { meshPolicy } from '../functions/mesh/istio/examples.ts';
import { matchCases, matchRules } from '../functions/mesh/match-examples.ts';
import { intentOf } from '../functions/policy/examples.ts';
import { askFromOutside, type Outside } from './mesh/ask-from-outside.ts';
import { stampOf, startAsker, type Answer, type Asker } from './mesh/asker.ts';
import { drained, programPolicy, until } from './mesh/program-policy.ts';
import { gateway, inShop, setStage, shop } from './mesh/stage.ts';
import type { MeshTier } from './tiers/mesh.ts';
import { whyLeftOut, withCluster } from './with-cluster.ts';

const why = await whyLeftOut('mesh');
if (why !== undefined) process.stderr.write(`${why}\n`);
const test = why === undefined ? anyTest.serial : anyTest.serial.skip;

interface Stage {
  readonly tier: MeshTier;
  readonly asker: Asker;
}

const started = Promise.withResolvers<Stage>();
const ends: (() => unknown)[] = [];

if (why === undefined) {
  anyTest.before('two versions, a client and a Gateway are in the mesh', async (t) => {
    t.timeout(300_000);
    const tier = await withCluster({ teardown: (end) => ends.push(end) }, 'mesh');
    await setStage(tier);
    const pod = [`--namespace=${shop}`, 'pod/client'];
    const asker = await startAsker(tier, pod, 'http://proxy:8080');
    ends.push(asker.close);
    started.resolve({ tier, asker });
  });
}
anyTest.after.always('the mesh is taken down', async () => {
  for (const end of ends.toReversed()) await end();
});

/** Asks many times, ten at one time. */
async function times(count: number, { get }: Asker): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let left = count; left > 0; left -= 10) {
    answers.push(...(await Promise.all(Array.from({ length: 10 }, async () => get()))));
  }
  return answers;
}

/** What the Envoy of a pod says at a path of its admin interface. */
function envoyOf(tier: MeshTier, pod: string): (path: string) => Promise<string> {
  const agent = ['exec', `pod/${pod}`, '--container=istio-proxy', '--', 'pilot-agent'];
  return (path) => inShop(tier, ...agent, 'request', 'GET', path);
}

const containers = z.object({
  spec: z.object({ initContainers: z.array(z.object({ name: z.string() })).default([]) }),
});

/**
 * Whether a pod would get a proxy.
 * @param inject what its own label says of it.
 * @throws Error when it would be refused.
 */
async function getsProxy(tier: MeshTier, namespace: string, inject?: string): Promise<boolean> {
  const labels = inject === undefined ? {} : { 'sidecar.istio.io/inject': inject };
  const spec = { containers: [{ name: 'app', image: 'dev.local/app:1' }] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'asked', labels }, spec };
  const args = ['create', '--dry-run=server', '--output=json', '--filename=-'];
  const made = await tier.kubectl([`--namespace=${namespace}`, ...args], JSON.stringify(pod));
  const { initContainers } = containers.parse(JSON.parse(made)).spec;
  return initContainers.some(({ name }) => name === 'istio-proxy');
}

test('a pod gets a proxy where its namespace asks for it, or it does so itself', async (t) => {
  const { tier } = await started.promise;
  t.true(await getsProxy(tier, shop));
  t.false(await getsProxy(tier, shop, 'false'));
  t.false(await getsProxy(tier, 'default'));
  t.true(await getsProxy(tier, 'default', 'true'));
});

/** Asks version 1 without a proxy of one's own. */
async function askPlainly(tier: MeshTier): Promise<Outside> {
  const address = await inShop(tier, 'get', 'pod/v1', '--output=jsonpath={.status.podIP}');
  return askFromOutside(address, 8_080, 'proxy');
}

test('what an unchanged program sends goes through its proxy, and what it gets too', async (t) => {
  const { tier, asker } = await started.promise;
  t.like(await asker.get(), { status: 200, headers: { server: 'envoy' } });
  t.like(await askPlainly(tier), { status: 200, server: 'istio-envoy', body: 'v1' });
});

test('a Gateway leads into the mesh from outside of the cluster, by its host alone', async (t) => {
  const { tier } = await started.promise;
  const service = `service/${gateway.name}-istio`;
  const address = await inShop(tier, 'get', service, '--output=jsonpath={.spec.clusterIP}');
  const { status, body } = await askFromOutside(address, 80, gateway.host);
  t.is(status, 200);
  t.true(['v1', 'v2'].includes(body), body);
  t.like(await askFromOutside(address, 80, 'other.example'), { status: 404 });
});

test("where it is asked for, a proxy shows istiod's certificate of its pod's account", async (t) => {
  const { tier, asker } = await started.promise;
  const isHeard = (): Promise<boolean> =>
    askPlainly(tier).then(
      () => true,
      () => false,
    );
  const caller = async (): Promise<string> =>
    (await asker.get()).headers['asked-x-forwarded-client-cert'] ?? '';
  const strict = JSON.stringify({
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace: shop },
    spec: { mtls: { mode: 'STRICT' } },
  });
  t.is(await caller(), '');
  await tier.kubectl(['apply', '--filename=-'], strict);
  await until(async () => !(await isHeard()) && (await caller()) !== '');
  t.regex(await caller(), /;URI=spiffe:\/\/cluster\.local\/ns\/shop\/sa\/client$/);
  await tier.kubectl(['delete', '--filename=-'], strict);
  await until(async () => (await isHeard()) && (await caller()) === '');
});

test('90 to 10 is counted as such, and both sides see the stamp of the arm', async (t) => {
  const { tier, asker } = await started.promise;
  await programPolicy(t, tier, asker, intentOf(10, 103));
  const answers = await times(1_000, asker);
  t.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  const count = (body: string): number => answers.filter((answer) => answer.body === body).length;
  const counts = [count('v1'), count('v2')];
  t.log(counts.join(' to '));
  // A false alarm in a thousand million runs; a split of 70 to 30 is far beyond it.
  const alarm = Math.log(1e9);
  t.true(sampleRatioLogBayesFactor(counts, [0.9, 0.1]) < alarm, counts.join(' to '));
  t.true(sampleRatioLogBayesFactor(counts, [0.7, 0.3]) > alarm, counts.join(' to '));
  const arms = { v1: 'try-1.103.control', v2: 'try-1.103.variant' };
  for (const answer of answers) {
    t.is(stampOf(answer), Reflect.get(arms, answer.body));
    t.is(answer.headers['asked-x-clover-arm'], Reflect.get(arms, answer.body));
  }
});

test('neither a client nor a server can give itself a stamp', async (t) => {
  const { tier, asker } = await started.promise;
  await programPolicy(t, tier, asker, intentOf(50, 108));
  const forged = 'try-9.1.variant';
  const answer = await asker.get('/', { 'x-clover-arm': forged, 'answer-x-clover-arm': forged });
  t.regex(stampOf(answer), /^try-1\.108\./);
  t.is(answer.headers['asked-x-clover-arm'], stampOf(answer));
  t.is(answer.headers['asked-answer-x-clover-arm'], forged);
});

// Envoy's timers may fire a little early.
const isLate = ({ took }: Answer): boolean => took >= 380;
const of = (version: string, answers: readonly Answer[]): Answer[] =>
  answers.filter(({ body }) => body === version);

test('a delay is felt on the variant alone, and its mark goes no further', async (t) => {
  const { tier, asker } = await started.promise;
  const fault = { delay: { duration: '400ms', percent: 100 } };
  await programPolicy(t, tier, asker, { ...intentOf(50, 104), fault });
  await until(async () => of('v2', await times(20, asker)).every(isLate));
  await drained(envoyOf(tier, 'v2'));
  const answers = await times(40, asker);
  t.true(of('v2', answers).length > 0);
  t.true(of('v2', answers).every(isLate));
  t.false(of('v1', answers).every(isLate));
  t.true(answers.every(({ status }) => status === 200));
  for (const { headers } of answers) t.is(headers['asked-x-clover-fault'], undefined);
});

const isOnVariantAlone = ({ body, status }: Answer): boolean => body === 'v1' || status === 418;

test('an abort falls on the variant alone, and carries its stamp', async (t) => {
  const { tier, asker } = await started.promise;
  const fault = { abort: { status: 418, percent: 100 } };
  await programPolicy(t, tier, asker, { ...intentOf(50, 105), fault });
  await until(async () => (await times(20, asker)).every(isOnVariantAlone));
  await drained(envoyOf(tier, 'v2'));
  const answers = await times(100, asker);
  t.true(answers.some(({ status }) => status === 418));
  for (const answer of answers) {
    const arm = answer.status === 418 ? 'variant' : 'control';
    t.is(stampOf(answer), `try-1.105.${arm}`);
    // No server was asked.
    if (arm === 'variant') t.is(answer.headers['asked-x-clover-arm'], undefined);
  }
});

test('a roll-back gives the exact bytes of before, and the traffic with them', async (t) => {
  const { tier, asker } = await started.promise;
  const path = `/apis/networking.istio.io/v1/namespaces/${shop}/virtualservices/proxy`;
  const found = z.looseObject({ spec: z.unknown() });
  const spec = async (): Promise<string> =>
    canonicalJson(found.parse(await tier.client.call({ method: 'GET', path })).spec);
  const before = await programPolicy(t, tier, asker, intentOf(5, 106));
  const bytes = await spec();
  const during = await programPolicy(t, tier, asker, intentOf(50, 107));
  t.not(during, before);
  t.not(await spec(), bytes);
  t.is(await programPolicy(t, tier, asker, intentOf(5, 106)), before);
  t.is(await spec(), bytes);
  const answers = await times(50, asker);
  t.true(answers.every((answer) => stampOf(answer).startsWith('try-1.106.')));
});

test('matches go by path, method and header, and the first rule decides', async (t) => {
  const { tier, asker } = await started.promise;
  await programPolicy(t, tier, asker, undefined, matchRules);
  for (const [path, headers, body] of matchCases) {
    t.is((await asker.get(path, headers)).body, body, path);
  }
});

test('changes of weights under load fail no request', async (t) => {
  const { tier, asker } = await started.promise;
  const statuses = new Map<number, number>();
  const done = new AbortController();
  const load = (async () => {
    while (!done.signal.aborted) {
      const { status } = await asker.get();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  })();
  for (let change = 0; change < 20; change += 1) {
    const intent = change % 5 === 0 ? undefined : intentOf((change * 7) % 101, 200 + change);
    await programPolicy(t, tier, asker, intent);
  }
  done.abort();
  await load;
  t.log(`${statuses.get(200)} requests`);
  t.deepEqual([...statuses.keys()], [200]);
});

test('what istiod refuses is an outcome with its reason, and traffic stays as it was', async (t) => {
  const { tier, asker } = await started.promise;
  await programPolicy(t, tier, asker, intentOf(50, 300));
  const target = createIstioTarget({ client: tier.client, clock: systemClock });
  const { form, policies } = compile([meshPolicy()], []);
  const destinations = form.listeners[0]?.hosts[0]?.routes[0]?.destinations ?? [];
  // Clover's own lint would not let it get so far.
  const routes = [{ name: 'bad', matches: [{ path: { regex: '/a(?=b)' } }], destinations }];
  const hosts = [{ name: 'shop/proxy', domain: 'proxy', routes }];
  const bad = { policies, form: { ...form, listeners: [{ port: 8080, hosts }] } };
  const reading = await target.read();
  const outcomes = await reading.program(bad, { resync: false });
  t.like(outcomes.get('shop/proxy'), { state: 'rejected' });
  t.regex(outcomes.get('shop/proxy')?.message ?? '', /rev\.validation\.istio\.io.*denied.*regex/s);
  t.regex(stampOf(await asker.get()), /^try-1\.300\./);
});

test('without istiod traffic stays as it is, and nothing is written or made that it has to see', async (t) => {
  const { tier, asker } = await started.promise;
  await programPolicy(t, tier, asker, intentOf(50, 301));
  await tier.istiod.whileAway(async () => {
    // What a delivery ends with, so that there is another.
    await t.throwsAsync(programPolicy(t, tier, asker, intentOf(50, 302)), {
      code: 'CLV_KUBERNETES_UNREACHABLE',
      message: /rev\.validation\.istio\.io/,
    });
    const answers = await times(50, asker);
    t.true(answers.every((answer) => stampOf(answer).startsWith('try-1.301.')));
    await t.throwsAsync(getsProxy(tier, shop), { message: /sidecar-injector\.istio\.io/ });
    t.false(await getsProxy(tier, 'default'));
  });
  await programPolicy(t, tier, asker, intentOf(50, 302));
  t.true(await getsProxy(tier, shop));
});
