import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import anyTest, { type ExecutionContext } from 'ava';
import { z } from 'zod';
import { ip } from '../../cloverctl/supervisor/links.ts';
import { canonicalJson } from '../../functions/lib/canonical-json.ts';
import { systemClock } from '../../functions/lib/clock.ts';
import { sampleRatioLogBayesFactor } from '../../functions/lib/statistics/sample-ratio.ts';
import { createIstioTarget } from '../../functions/mesh/istio/istio-target.ts';
import { compile } from '../../functions/policy/compile.ts';
import type { RunIntent } from '../../knative/resources/experiment-run.ts';
import type { TrafficPolicySpec } from '../../knative/resources/traffic-policy.ts';
import { meshPolicy } from '../functions/mesh/istio/examples.ts';
import { intentOf, runOf } from '../functions/policy/examples.ts';
import { proxyClient, type Answer } from './mesh/proxy-client.ts';
import { applyMeshObjects, meshPods } from './mesh/stage.ts';
import type { MeshTier } from './tiers/mesh.ts';
import { whyLeftOut, withCluster } from './with-cluster.ts';

const why = await whyLeftOut('mesh');
if (why !== undefined) process.stderr.write(`${why}\n`);
const test = why === undefined ? anyTest.serial : anyTest.serial.skip;

/** A proxy finishes the connections of a listener of before within 10 s; they know nothing of a fault. */
const drainedMs = 11_000;

interface Stage {
  readonly tier: MeshTier;
  readonly get: (path?: string, headers?: Record<string, string>) => Promise<Answer>;
  /** Stamps of the requests that each version's server has had. */
  readonly stamps: Readonly<Record<string, string[]>>;
  /** Whether a request of a fault's mark came to a server. */
  readonly marks: string[];
}

const started = Promise.withResolvers<Stage>();
const ends: (() => unknown)[] = [];
const teardown = (end: () => unknown): void => {
  ends.push(end);
};

if (why === undefined) {
  anyTest.before('two versions and a client are in the mesh', async (t) => {
    t.timeout(300_000);
    const tier = await withCluster({ teardown }, 'mesh');
    const folder = await mkdtemp(join(tmpdir(), 'clover-mesh-'));
    teardown(() => rm(folder, { recursive: true, force: true }));
    const stamps: Record<string, string[]> = { v1: [], v2: [] };
    const marks: string[] = [];
    const socketOf = (name: string): string => join(folder, `${name}.sock`);
    for (const version of ['v1', 'v2']) {
      const server = createServer((incoming, response) => {
        stamps[version]?.push(String(incoming.headers['x-clover-arm']));
        const mark = incoming.headers['x-clover-fault'];
        if (mark !== undefined) marks.push(String(mark));
        response.setHeader('x-clover-arm', 'made.1.up');
        response.end(version);
      });
      server.listen(socketOf(version));
      await once(server, 'listening');
      teardown(() => server.close());
    }
    const pods = meshPods(tier.network.pods);
    await ip(
      pods.map(({ address }) => `address add ${address}/32 dev lo`),
      tier.network.namespace,
    );
    await applyMeshObjects(tier.client, pods, socketOf);
    for (const pod of pods) await tier.startSidecar(pod);
    const [from] = pods;
    const { get, close } = proxyClient(from.address, 'proxy.shop.svc.cluster.local:8080');
    teardown(close);
    started.resolve({ tier, get, stamps, marks });
  });
}
anyTest.after.always('the mesh is taken down', async () => {
  for (const end of ends.toReversed()) await end();
});

/** Programs a policy, with a run if an intent is given, and waits until the client's proxy has it. */
async function program(
  t: ExecutionContext,
  { tier, get }: Stage,
  intent?: RunIntent,
  rules?: TrafficPolicySpec['rules'],
): Promise<{ readonly hash: string; readonly took: number }> {
  const began = performance.now();
  const target = createIstioTarget({ client: tier.client, clock: systemClock, drainMs: 0 });
  const policy = meshPolicy({ ...(rules && { rules }) }, { generation: (generation += 1) });
  const runs = intent === undefined ? [] : [runOf({ phase: 'Running', intent })];
  const reading = await target.read();
  const place = (each: typeof policy) => target.place(each);
  const traffic = compile([policy], runs, { released: reading.released, place });
  const outcome = (await reading.program(traffic, { resync: false })).get('shop/proxy');
  t.is(outcome?.state, 'acknowledged', outcome?.message);
  const wanted = traffic.form.listeners[0]?.hosts[0]?.routes.at(-1)?.destinations[0]?.stamp;
  const epoch = `.${wanted?.epoch}.`;
  for (let left = 600; left > 0; left -= 1) {
    if ((await get()).stamp.includes(epoch)) break;
    await sleep(20);
  }
  return { hash: outcome?.hash ?? '', took: performance.now() - began };
}
let generation = 0;

async function times(count: number, get: Stage['get']): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let left = count; left > 0; left -= 10) {
    answers.push(...(await Promise.all(Array.from({ length: 10 }, async () => get()))));
  }
  return answers;
}

test('90 to 10 is counted as such, and both sides see the stamp of the arm', async (t) => {
  const stage = await started.promise;
  const { get, stamps } = stage;
  const { took } = await program(t, stage, intentOf(10, 103));
  t.log(`programmed and seen after ${Math.round(took)} ms`);
  for (const list of Object.values(stamps)) list.length = 0;
  const answers = await times(1_000, get);
  t.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  const count = (body: string): number => answers.filter((answer) => answer.body === body).length;
  const counts = [count('v1'), count('v2')];
  t.log(counts.join(' to '));
  // A false alarm in a thousand million runs; a split of 80 to 20 is far beyond it.
  const alarm = Math.log(1e9);
  t.true(sampleRatioLogBayesFactor(counts, [0.9, 0.1]) < alarm, counts.join(' to '));
  t.true(sampleRatioLogBayesFactor(counts, [0.8, 0.2]) > alarm, counts.join(' to '));
  const arms = { v1: 'try-1.103.control', v2: 'try-1.103.variant' };
  for (const { body, stamp } of answers) t.is(stamp, Reflect.get(arms, body));
  t.deepEqual([...new Set(stamps['v1'])], [arms.v1]);
  t.deepEqual([...new Set(stamps['v2'])], [arms.v2]);
  const forged = await get('/', { 'x-clover-arm': 'try-9.1.variant' });
  t.true(forged.stamp.startsWith('try-1.103.'));
});

test('a delay is felt on the variant alone, and its mark goes no further', async (t) => {
  const stage = await started.promise;
  const { get, marks } = stage;
  const fault = { delay: { duration: '400ms', percent: 100 } };
  await program(t, stage, { ...intentOf(50, 104), fault });
  await until(() => times(20, get), delayed);
  await sleep(drainedMs);
  const answers = await times(40, get);
  const took = (body: string): number[] =>
    answers.filter((answer) => answer.body === body).map((answer) => answer.took);
  // Envoy's timers may fire a little early.
  t.true(Math.min(...took('v2')) >= 380, took('v2').join(' '));
  t.true(Math.min(...took('v1')) < 380, took('v1').join(' '));
  t.true(answers.every(({ status }) => status === 200));
  marks.length = 0;
  await get();
  t.deepEqual(marks, []);
});

function delayed(answers: readonly Answer[]): boolean {
  return answers.every(({ body, took }) => body === 'v1' || took >= 380);
}

function aborted(answers: readonly Answer[]): boolean {
  return answers.every(({ body, status }) => body === 'v1' || status === 418);
}

test('an abort falls on the variant alone, and carries its stamp', async (t) => {
  const stage = await started.promise;
  const { get, stamps } = stage;
  const fault = { abort: { status: 418, percent: 100 } };
  await program(t, stage, { ...intentOf(50, 105), fault });
  await until(() => times(20, get), aborted);
  await sleep(drainedMs);
  for (const list of Object.values(stamps)) list.length = 0;
  const answers = await times(100, get);
  t.true(answers.some(({ status }) => status === 418));
  for (const { status, stamp } of answers) {
    t.is(stamp, `try-1.105.${status === 418 ? 'variant' : 'control'}`);
  }
  t.deepEqual(stamps['v2'], []);
});

test('a roll-back gives the exact bytes of before, and the traffic with them', async (t) => {
  const stage = await started.promise;
  const path = '/apis/networking.istio.io/v1/namespaces/shop/virtualservices/proxy';
  const spec = async (): Promise<string> =>
    canonicalJson(
      z
        .looseObject({ spec: z.unknown() })
        .parse(await stage.tier.client.call({ method: 'GET', path })).spec,
    );
  const before = await program(t, stage, intentOf(5, 106));
  const bytes = await spec();
  const during = await program(t, stage, intentOf(50, 107));
  t.not(during.hash, before.hash);
  t.not(await spec(), bytes);
  const after = await program(t, stage, intentOf(5, 106));
  t.is(after.hash, before.hash);
  t.is(await spec(), bytes);
  const answers = await times(50, stage.get);
  t.true(answers.every(({ stamp }) => stamp.startsWith('try-1.106.')));
});

const to = (version: string) => [{ version, weight: 1 }];

test('matches go by path, method and header, and the first rule decides', async (t) => {
  const stage = await started.promise;
  await program(t, stage, undefined, [
    { match: [{ path: { regex: '/a[0-9]+' } }, { path: { exact: '/b' } }], split: to('v2') },
    { match: [{ headers: [{ name: 'x-user', value: { prefix: 'beta' } }] }], split: to('v2') },
    { match: [{ method: 'POST' }], split: to('v2') },
    { split: to('v1') },
  ]);
  const asked: [string, Record<string, string>, string][] = [
    ['/a12?q=1', {}, 'v2'],
    ['/a12/c', {}, 'v1'],
    ['/b', {}, 'v2'],
    ['/bb', {}, 'v1'],
    ['/', { 'x-user': 'beta-7' }, 'v2'],
    ['/', { 'x-user': 'not-beta' }, 'v1'],
  ];
  for (const [path, headers, body] of asked)
    t.is((await stage.get(path, headers)).body, body, path);
});

test('changes of weights under load fail no request', async (t) => {
  const stage = await started.promise;
  const statuses = new Map<number, number>();
  const done = new AbortController();
  const load = (async () => {
    while (!done.signal.aborted) {
      const { status } = await stage.get();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  })();
  for (let change = 0; change < 20; change += 1) {
    await program(
      t,
      stage,
      change % 5 === 0 ? undefined : intentOf((change * 7) % 101, 200 + change),
    );
  }
  done.abort();
  await load;
  t.log(`${statuses.get(200)} requests`);
  t.deepEqual([...statuses.keys()], [200]);
});

test('what istiod refuses is an outcome with its reason, and traffic stays as it was', async (t) => {
  const { tier, get } = await started.promise;
  const before = await get();
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
  t.is((await get()).stamp, before.stamp);
});

async function until<T>(work: () => Promise<T>, wanted: (value: T) => boolean): Promise<T> {
  for (let left = 100; ; left -= 1) {
    const value = await work();
    if (wanted(value) || left === 0) return value;
    await sleep(50);
  }
}
