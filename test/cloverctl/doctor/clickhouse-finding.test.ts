import test, { type ExecutionContext } from 'ava';
import type { Finding } from '../../../cloverctl/doctor/finding.ts';
import { clickHouseFinding } from '../../../cloverctl/doctor/clickhouse-finding.ts';
import type { AskPod } from '../../../cloverctl/installation/ask-pod.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { startControlPlane } from '../../functions/host/telemetry/control-plane.ts';
import { onWire, refusal, reply, type Answer } from '../../functions/resources/kubernetes/wire.ts';

const namespace = 'clover-system';
const own = `/api/v1/namespaces/${namespace}`;
const isReady = { conditions: [{ type: 'Ready', status: 'True' }] };
const older = {
  metadata: { name: 'pod-3', creationTimestamp: '2026-01-01T00:00:00Z' },
  status: isReady,
};
const running = {
  metadata: { name: 'pod-1', creationTimestamp: '2026-01-02T00:00:00Z' },
  status: isReady,
};
const pending = { metadata: { name: 'pod-0' }, status: { phase: 'Pending' } };
const ending = { metadata: { name: 'pod-2', deletionTimestamp: 'now' }, status: isReady };
const tokenOf = (token: string): object => ({
  data: { token: Buffer.from(token).toString('base64') },
});
const answers: Readonly<Record<string, Answer>> = {
  [`${own}/pods`]: reply({ items: [pending, ending, running, older] }),
  [`${own}/secrets/control-plane-token`]: reply(tokenOf('made')),
  [`${own}/secrets/mine`]: reply(tokenOf('of-the-owner\n')),
};
const says = (clickhouse: object): string => JSON.stringify({ clickhouse });
const well = says({ answers: true });

interface Question {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly wire?: Readonly<Record<string, Answer>>;
  readonly ask?: AskPod;
}

const findingOf = async (
  t: ExecutionContext,
  { settings = {}, wire = {}, ask = async () => well }: Question,
): Promise<Finding> => {
  const all = { ...answers, ...wire };
  const { client } = await onWire(t, ({ path }) => all[path] ?? refusal(404));
  return clickHouseFinding({ client, ask }, { settings }, namespace);
};

const unreachable: AskPod = async () => {
  throw new CloverError('CLV_KUBERNETES_UNREACHABLE', 'port 7700 does not answer');
};

/** What is asked, as one text each. */
const recorder = () => {
  const asked: string[] = [];
  const ask: AskPod = async ({ pod, port }, path, headers) => {
    asked.push(`${pod}:${port}${path} ${headers?.['authorization'] ?? 'without a token'}`);
    return well;
  };
  return { asked, ask };
};

test('the control plane is asked with its token, wherever that is, and ingest on Knative without one', async (t) => {
  const { asked, ask } = recorder();
  const tokenSecret = { name: 'mine', key: 'token' };
  t.like(await findingOf(t, { ask }), { check: 'ClickHouse', state: 'good', found: 'answers' });
  await findingOf(t, { ask, settings: { controlPlane: { istio: true, tokenSecret } } });
  await findingOf(t, { ask, settings: { knative: true } });
  t.deepEqual(asked, [
    'pod-1:7700/health/dependencies Bearer made',
    'pod-1:7700/health/dependencies Bearer of-the-owner',
    'pod-1:8080/health/dependencies without a token',
  ]);
});

test('what ClickHouse says of a password is told once', async (t) => {
  const why = 'ClickHouse does not answer: Authentication failed: password is incorrect';
  const finding = await findingOf(t, { ask: async () => says({ answers: false, why }) });
  t.is(finding.state, 'bad');
  t.is(finding.found, 'does not answer: Authentication failed: password is incorrect');
  t.regex(finding.fix ?? '', /Secret of the password/);
});

test('a control plane is ready without ClickHouse, and has the reason', async (t) => {
  const { url, headers } = await startControlPlane(t, {});
  t.is((await fetch(`${url}/health/ready`)).status, 200);
  const ask: AskPod = async (_, path, sent) => {
    const response = await fetch(`${url}${path}`, { headers: { ...sent } });
    t.is(response.status, 200);
    return response.text();
  };
  const token = headers.authorization.replace('Bearer ', '');
  const wire = { [`${own}/secrets/control-plane-token`]: reply(tokenOf(token)) };
  t.like(await findingOf(t, { ask, wire }), {
    state: 'bad',
    found: 'does not answer: connect ECONNREFUSED 127.0.0.1:9',
  });
});

test('where nobody can be asked, that is told', async (t) => {
  const pods = { [`${own}/pods`]: reply({ items: [pending, ending] }) };
  t.like(await findingOf(t, { wire: pods }), {
    state: 'doubtful',
    found: 'nobody could be asked: no pod of control-plane is ready',
  });
  t.like(await findingOf(t, { settings: { knative: true }, wire: pods }), {
    state: 'good',
    found: 'is not asked: no pod of ingest is ready',
  });
  const secret = { [`${own}/secrets/control-plane-token`]: refusal(403) };
  t.is((await findingOf(t, { wire: secret })).state, 'doubtful');
  t.like(await findingOf(t, { ask: unreachable }), {
    state: 'doubtful',
    found: 'nobody could be asked: port 7700 does not answer',
  });
});
