import test from 'ava';
import { createPatience, patientClient } from '../../../cloverctl/installation/patience.ts';
import type { KubeCall } from '../../../functions/resources/kubernetes/client.ts';
import {
  inTurn,
  onWire,
  refusal,
  reply,
  type Answer,
} from '../../functions/resources/kubernetes/wire.ts';

const path = '/api/v1/namespaces/clover';
const broken: Answer = (response) => response.destroy();

/** Patience of some seconds on a clock that goes on when it sleeps, and what it tells. */
function patienceOf(seconds: number) {
  const told: string[] = [];
  let now = 0;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const env = { clock, signal: new AbortController().signal };
  const tell = (line: string) => void told.push(line);
  return { patience: createPatience({ env, until: seconds * 1_000, tell }), told, now: () => now };
}

for (const call of [
  { method: 'GET', path },
  { method: 'DELETE', path },
  { method: 'PATCH', path, body: {} },
] satisfies readonly KubeCall[]) {
  test(`${call.method} waits for a server that is away, and tells that once each time`, async (t) => {
    const { client } = await onWire(
      t,
      inTurn(
        broken,
        broken,
        refusal(500, 'etcdserver: leader changed'),
        reply({ a: 1 }),
        broken,
        reply({}),
      ),
    );
    const { patience, told, now } = patienceOf(60);
    const patient = patientClient(client, patience);
    t.deepEqual(await patient.call(call), { a: 1 });
    t.is(now(), 3_000);
    t.is(told.length, 1);
    t.regex(told[0] ?? '', /^the Kubernetes API at http:\S+ does not answer: .*; waiting for it$/);
    t.deepEqual(await patient.call(call), {});
    t.is(told.length, 2);
  });
}

test('a server that stays away is named when the time is up', async (t) => {
  const { client, asked } = await onWire(t, () => broken);
  const { patience } = patienceOf(2);
  await t.throwsAsync(patientClient(client, patience).call({ method: 'GET', path }), {
    code: 'CLV_KUBERNETES_UNREACHABLE',
  });
  t.is(asked.length, 3);
});

test('a refusal is one at once, and what would make something twice is done once', async (t) => {
  const { client, asked } = await onWire(t, inTurn(refusal(403), broken));
  const { patience, told } = patienceOf(60);
  const patient = patientClient(client, patience);
  await t.throwsAsync(patient.call({ method: 'GET', path }), { code: 'CLV_KUBERNETES_FORBIDDEN' });
  await t.throwsAsync(patient.call({ method: 'POST', path, body: {} }), {
    code: 'CLV_KUBERNETES_UNREACHABLE',
  });
  t.is(asked.length, 2);
  t.deepEqual(told, []);
});
