import test, { type ExecutionContext } from 'ava';
import { createSenderGuard } from '../../../functions/host/sender-guard.ts';
import type { CloverError } from '../../../functions/lib/errors.ts';
import type { TelemetryAttributes } from '../../../functions/host/telemetry.ts';
import { noTelemetry } from '../../../functions/host/telemetry.ts';
import { createTokenIssuer } from '../resources/kubernetes/token-issuer.ts';
import { onWire, refusal, reply, type Answer } from '../resources/kubernetes/wire.ts';
import { eventOf, handlersOf } from './helpers.ts';
import { authorization, post, raw, start } from './start-host.ts';

const audience = 'serving.knative.dev/service/clover-system/ingest';
const account = (name: string, namespace = 'clover-system'): string =>
  `system:serviceaccount:${namespace}:${name}`;

/** What an API server says of a token that it knows. */
const known = (username: string, audiences: readonly string[] = [audience]): Answer =>
  reply({ status: { authenticated: true, user: { username }, audiences } }, 201);
const unknown = reply({ status: { user: {}, error: 'no' } }, 201);

/** The guard of ingest before a cluster that gives these answers to reviews, the last one for ever. */
async function guardOf(t: ExecutionContext, ...answers: readonly [Answer, ...Answer[]]) {
  let time = 0;
  const { client, asked } = await onWire(
    t,
    (_asked, count) => answers[count - 1] ?? answers.at(-1) ?? unknown,
  );
  const admit = createSenderGuard({
    client,
    namespace: 'clover-system',
    name: 'ingest',
    agents: 'agent',
    sendersTo: (path) => (path === '/deadletters/a' ? 'anybody' : 'agents'),
    now: () => time,
  });
  return {
    asked,
    admit,
    pass: (ms: number) => (time += ms),
    /** The code of the refusal; undefined: let in. */
    codeOf: (header: string | undefined, path = '/') =>
      admit({ authorization: header, path }).then(
        () => undefined,
        ({ code }: CloverError) => code,
      ),
  };
}

test('who shows the token of an agent is let in, and the cluster is asked for that audience', async (t) => {
  const { codeOf, asked } = await guardOf(t, known(account('agent')));
  t.is(await codeOf('Bearer of-an-agent'), undefined);
  t.like(asked[0], {
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/tokenreviews',
    body: { kind: 'TokenReview', spec: { token: 'of-an-agent', audiences: [audience] } },
  });
});

test('who shows no token is 401, and the cluster is not asked', async (t) => {
  const { codeOf, asked } = await guardOf(t, known(account('agent')));
  for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Basic YTpi', 'Bearer a b']) {
    t.is(await codeOf(header), 'CLV_UNAUTHORIZED', header);
  }
  t.deepEqual(asked, []);
});

test('a token that the cluster does not know, or that is for somebody else, is 401', async (t) => {
  const ofServer = known(account('agent'), ['https://kubernetes.default.svc']);
  const ofOldServer = reply(
    { status: { authenticated: true, user: { username: account('agent') } } },
    201,
  );
  for (const answer of [unknown, ofServer, ofOldServer, known('')]) {
    const { codeOf } = await guardOf(t, answer);
    t.is(await codeOf('Bearer some-token'), 'CLV_UNAUTHORIZED');
  }
});

test('every account but that of the agents of this namespace is 403, and told who it is', async (t) => {
  const others = [
    account('ingest'),
    account('agent', 'shop'),
    account('agent', 'clover-system:agent'),
    'agent',
    'kubernetes-admin',
  ];
  for (const username of others) {
    const { codeOf, admit } = await guardOf(t, known(username));
    t.is(await codeOf('Bearer some-token'), 'CLV_FORBIDDEN', username);
    const { message } =
      (await t.throwsAsync(admit({ authorization: 'Bearer some-token', path: '/' }))) ?? {};
    t.true(message?.includes(`${username} may not send to ingest`), message);
    t.false(message?.includes('some-token'), 'a token is not shown');
  }
});

test('nobody is let in while the cluster does not say who it is', async (t) => {
  const down = await guardOf(t, refusal(500, 'etcd is away'));
  t.is(await down.codeOf('Bearer of-an-agent'), 'CLV_KUBERNETES_UNREACHABLE');
  const busy = await guardOf(t, refusal(429, 'later', { retryAfterSeconds: 1 }));
  t.is(await busy.codeOf('Bearer of-an-agent'), 'CLV_OVERLOADED');
  const without = await guardOf(t, refusal(403, 'cannot create tokenreviews'));
  t.is(await without.codeOf('Bearer of-an-agent'), 'CLV_KUBERNETES_FORBIDDEN');
  const odd = await guardOf(t, reply({ kind: 'Status' }));
  t.is(await odd.codeOf('Bearer of-an-agent'), 'CLV_INTERNAL');
});

test('who was let in is not asked for again for two minutes, by the token; who was not is, each time', async (t) => {
  const agent = known(account('agent'));
  const { codeOf, asked, pass } = await guardOf(t, unknown, agent, agent, unknown);
  t.is(await codeOf('Bearer one'), 'CLV_UNAUTHORIZED');
  t.is(await codeOf('Bearer one'), undefined, 'a token that was not known yet');
  pass(119_999);
  t.is(await codeOf('Bearer one'), undefined);
  t.is(asked.length, 2);
  t.is(await codeOf('Bearer two'), undefined);
  t.is(asked.length, 3, 'another token');
  pass(1);
  t.is(await codeOf('Bearer one'), 'CLV_UNAUTHORIZED', 'its pod is gone');
});

test('what anybody may send is let in unasked', async (t) => {
  const { codeOf, asked } = await guardOf(t, unknown);
  t.is(await codeOf(undefined, '/deadletters/a'), undefined);
  t.deepEqual(asked, []);
});

test('what Eventing sends is by an account of the namespace, and not by that of agents', async (t) => {
  const issuer = await createTokenIssuer('one');
  const { client, asked } = await onWire(t, (question) => issuer.answer(question) ?? unknown);
  const admit = createSenderGuard({
    client,
    namespace: 'clover-system',
    name: 'ingest',
    agents: 'agent',
    sendersTo: () => 'eventing',
  });
  const codeOf = async (sub: string, aud = audience) => {
    const header = `Bearer ${await issuer.sign({ sub, aud })}`;
    return admit({ authorization: header, path: '/' }).then(
      () => undefined,
      ({ code }: CloverError) => code,
    );
  };
  for (const name of ['oidc-policy-trafficpolicy-added-0a1b', 'api'])
    t.is(await codeOf(account(name)), undefined, name);
  t.is(await codeOf(account('api'), 'elsewhere'), 'CLV_UNAUTHORIZED');
  const others = [account('agent'), account('api', 'shop'), 'kubernetes-admin', 'system:anonymous'];
  for (const username of others) t.is(await codeOf(username), 'CLV_FORBIDDEN', username);
  await t.throwsAsync(admit({ authorization: undefined, path: '/' }), { code: 'CLV_UNAUTHORIZED' });
  t.true(
    asked.every(({ method }) => method === 'GET'),
    'nobody reviews a token',
  );
});

test('a host asks before it reads a body, counts whom it refuses by cause, and is healthy for everyone', async (t) => {
  const counted: (TelemetryAttributes | undefined)[] = [];
  const telemetry = {
    ...noTelemetry,
    count: (name: string, _value: number, attributes?: TelemetryAttributes) => {
      if (name === 'clover.host.senders.refused') counted.push(attributes);
    },
  };
  const { admit } = await guardOf(
    t,
    known(account('agent')),
    unknown,
    known(account('other')),
    refusal(500),
  );
  const taken: string[] = [];
  const { url, port } = await start(
    t,
    { handlers: handlersOf(['direct'], async ({ id }) => void taken.push(id)) },
    {
      telemetry,
      // The test's own token of the host stands where a host on Knative has none.
      admitSender: ({ path }) => admit({ path, authorization: `Bearer ${tokens.shift()}` }),
    },
  );
  const tokens = ['agent', 'nobody', 'other', 'cut-off'];
  const statuses: number[] = [];
  for (const id of ['1', '2', '3', '4']) {
    const response = await post(`${url}/functions/f`, eventOf({ type: 'direct', id }));
    statuses.push(response.status);
    await response.text();
  }
  t.deepEqual(statuses, [204, 401, 403, 503]);
  t.deepEqual(taken, ['1']);
  t.deepEqual(counted, [{ cause: 'token' }, { cause: 'account' }, { cause: 'unknown' }]);
  const asking = [
    'POST /functions/f HTTP/1.1',
    'host: a',
    `authorization: ${authorization}`,
    'expect: 100-continue',
    'content-length: 9',
    '\r\n',
  ].join('\r\n');
  t.regex(await raw(port, asking), /^HTTP\/1\.1 503 /, 'and no 100 before it');
  t.is((await fetch(`${url}/health/ready`)).status, 200);
});
