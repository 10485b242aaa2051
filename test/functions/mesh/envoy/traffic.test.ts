import anyTest, { type ExecutionContext } from 'ava';
import type { RunIntent } from '../../../../knative/resources/experiment-run.ts';
import type { TrafficPolicySpec } from '../../../../knative/resources/traffic-policy.ts';
import { compile } from '../../../../functions/policy/compile.ts';
import { renderEnvoy } from '../../../../functions/mesh/envoy/renderer.ts';
import {
  client,
  envoyMissing,
  envoyStand,
  upstream,
  versionsOf,
  type Answer,
  type EnvoyStand,
  type Upstream,
} from './envoy.ts';
import { intentOf, policyOf, runOf } from '../../policy/examples.ts';
import { matchCases, matchRules } from '../match-examples.ts';

if (envoyMissing !== undefined) console.error(`skipped: ${envoyMissing}`);
const test = envoyMissing === undefined ? anyTest.serial : anyTest.serial.skip;

interface Traffic {
  readonly stand: EnvoyStand;
  readonly upstreams: readonly Upstream[];
  readonly get: (path?: string, headers?: Record<string, string>) => Promise<Answer>;
  /** Programs the policy, with a run if an intent is given. */
  readonly program: (intent?: RunIntent, rules?: TrafficPolicySpec['rules']) => Promise<void>;
}

async function traffic(t: ExecutionContext): Promise<Traffic> {
  const stand = await envoyStand(t);
  const upstreams = await Promise.all([upstream(t, 'v1'), upstream(t, 'v2')]);
  await stand.start();
  let version = 0;
  const program: Traffic['program'] = async (intent, rules) => {
    version += 1;
    const policy = policyOf({
      target: { host: '*', port: stand.port },
      versions: versionsOf(upstreams),
      ...(rules && { rules }),
    });
    const runs = intent ? [runOf({ phase: 'Running', intent })] : [];
    const { form } = compile([policy], runs);
    const resources = renderEnvoy(form, stand.xdsDir);
    const answer = await stand.gateway.apply({ version, resources });
    t.is(answer.state, 'acknowledged', answer.message);
  };
  return { stand, upstreams, get: client(t, stand.port), program };
}

async function times(count: number, get: Traffic['get']): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let left = count; left > 0; left -= 10) {
    answers.push(
      ...(await Promise.all(Array.from({ length: Math.min(10, left) }, async () => get()))),
    );
  }
  return answers;
}

test('half and half is counted as such, and both sides see the stamp of the arm', async (t) => {
  const { upstreams, get, program } = await traffic(t);
  await program(intentOf(50, 3));
  const answers = await times(400, get);
  const of = (body: string): Answer[] => answers.filter((answer) => answer.body === body);
  // Five standard deviations of a fair coin.
  t.true(Math.abs(of('v1').length - 200) < 50, `${of('v1').length} of 400`);
  t.true(of('v1').every(({ stamp }) => stamp === 'try-1.3.control'));
  t.true(of('v2').every(({ stamp }) => stamp === 'try-1.3.variant'));
  t.is(of('v1').length + of('v2').length, 400);
  t.deepEqual([...new Set(upstreams[0]?.stamps)], ['try-1.3.control']);
  t.deepEqual([...new Set(upstreams[1]?.stamps)], ['try-1.3.variant']);
});

test('a stamp that a client or a server made up is overwritten', async (t) => {
  const { upstreams, get, program } = await traffic(t);
  await program();
  const answer = await get('/', { 'x-clover-arm': 'try-9.1.variant' });
  t.is(answer.stamp, '-.1.v1');
  t.deepEqual(upstreams[0]?.stamps, ['-.1.v1']);
});

test('a delay is felt on the variant alone', async (t) => {
  const { get, program } = await traffic(t);
  await program({ ...intentOf(50), fault: { delay: { duration: '400ms', percent: 100 } } });
  const answers = await times(60, get);
  const [control, variant] = ['v1', 'v2'].map((body) =>
    answers.filter((answer) => answer.body === body).map(({ took }) => took),
  );
  // Envoy's timers may fire a little early.
  t.true(Math.min(...(variant ?? [0])) >= 380);
  t.true(Math.min(...(control ?? [])) < 380);
});

test('an abort falls on the variant alone and carries its stamp', async (t) => {
  const { upstreams, get, program } = await traffic(t);
  await program({ ...intentOf(50, 2), fault: { abort: { status: 418, percent: 100 } } });
  const answers = await times(100, get);
  const aborted = answers.filter(({ status }) => status === 418);
  t.true(aborted.length > 10);
  t.true(aborted.every(({ stamp }) => stamp === 'try-1.2.variant'));
  t.true(
    answers.every(
      ({ status, stamp }) => status === 418 || (status === 200 && stamp === 'try-1.2.control'),
    ),
  );
  t.deepEqual(upstreams[1]?.stamps, []);
});

test('matches go by path, method and header, and the first rule decides', async (t) => {
  const { get, program } = await traffic(t);
  await program(undefined, matchRules);
  for (const [path, headers, body] of matchCases) {
    t.is((await get(path, headers)).body, body, path);
  }
});

test('two hundred changes under load fail no request', async (t) => {
  const { get, program } = await traffic(t);
  await program();
  const changes = new AbortController();
  const statuses = new Map<number, number>();
  const load = async (): Promise<void> => {
    while (!changes.signal.aborted) {
      const { status } = await get();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const clients = Array.from({ length: 4 }, load);
  for (let change = 1; change <= 200; change += 1) {
    await program(change % 10 === 0 ? undefined : intentOf((change * 7) % 101, change));
  }
  changes.abort();
  await Promise.all(clients);
  t.deepEqual([...statuses.keys()], [200]);
  t.true((statuses.get(200) ?? 0) > 200);
  t.log(`${statuses.get(200)} requests`);
});
