import test, { type ExecutionContext } from 'ava';
import { generateKeyPair } from 'jose';
import { createAccountTokens } from '../../../../functions/resources/kubernetes/account-tokens.ts';
import { until } from '../../host/helpers.ts';
import { createTokenIssuer, type TokenIssuer } from './token-issuer.ts';
import { onWire, refusal, type Answer } from './wire.ts';

const audience = 'serving.knative.dev/service/clover-system/evaluate';
const sub = 'system:serviceaccount:clover-system:oidc';

/** What a function knows of tokens before servers that answer one after the other, the last one for ever. */
async function tokensOf(t: ExecutionContext, ...servers: readonly (TokenIssuer | Answer)[]) {
  let time = 0;
  let at = 0;
  const { client, asked } = await onWire(t, (question) => {
    const server = servers[Math.min(at, servers.length - 1)];
    if (server === undefined || !('answer' in server)) return server ?? refusal(404);
    return server.answer(question) ?? refusal(404);
  });
  const tokens = createAccountTokens(client, { now: () => time });
  return {
    asked,
    userOf: (token: string) => tokens.userOf(token, audience),
    pass: (ms: number) => (time += ms),
    /** The next server is there from now on. */
    change: () => (at += 1),
  };
}

test('a token of the cluster is of its subject, and the keys are asked for once', async (t) => {
  const issuer = await createTokenIssuer('one');
  const { userOf, asked, pass } = await tokensOf(t, issuer);
  const token = await issuer.sign({ sub, aud: [audience] });
  for (let times = 0; times < 3; times += 1) t.is(await userOf(token), sub);
  t.deepEqual(asked.map(({ method, path }) => `${method} ${path}`).toSorted(), [
    'GET /.well-known/openid-configuration',
    'GET /openid/v1/jwks',
  ]);
  pass(3_600_000);
  t.is(await userOf(token), sub);
  await until(() => asked.length === 4);
  t.is(await userOf(token), sub);
  t.is(asked.length, 4, 'once an hour');
});

test('what is no token, is for others, is over or is signed by others is nobody’s', async (t) => {
  const issuer = await createTokenIssuer('one');
  const other = await createTokenIssuer('one');
  const { userOf } = await tokensOf(t, issuer);
  const seconds = Math.floor(Date.now() / 1000);
  const unsigned = ['{"alg":"none","kid":"one"}', JSON.stringify({ sub, aud: audience })]
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
  const all: Readonly<Record<string, string>> = {
    'no token': 'a.b.c',
    nothing: '',
    'not signed': `${unsigned}.`,
    'for others': await issuer.sign({ sub, aud: ['https://kubernetes.default.svc'] }),
    'for nobody': await issuer.sign({ sub }),
    'of another issuer': await issuer.sign({ sub, aud: audience, iss: 'https://elsewhere' }),
    'over for longer than clocks differ': await issuer.sign({
      sub,
      aud: audience,
      exp: seconds - 61,
    }),
    'not yet': await issuer.sign({ sub, aud: audience, nbf: seconds + 120 }),
    'without an end': await issuer.sign({ sub, aud: audience, endless: true }),
    'without a subject': await issuer.sign({ aud: audience }),
    'by another key of the name': await other.sign({ sub, aud: audience }),
    'by the public key': await issuer.forge({ sub, aud: audience }),
  };
  for (const [what, token] of Object.entries(all)) t.is(await userOf(token), undefined, what);
});

test('a new key is found, and nobody has the server asked for one more often than each ten seconds', async (t) => {
  const [old, fresh] = [await createTokenIssuer('one'), await createTokenIssuer('two')];
  const { userOf, asked, pass, change } = await tokensOf(t, old, fresh);
  const [before, after] = await Promise.all(
    [old, fresh].map((issuer) => issuer.sign({ sub, aud: audience })),
  );
  t.is(await userOf(before ?? ''), sub);
  change();
  t.is(await userOf(after ?? ''), undefined);
  t.is(asked.length, 2);
  pass(10_000);
  t.is(await userOf(after ?? ''), sub);
  t.is(await userOf(before ?? ''), undefined);
  t.is(asked.length, 4);
});

test('while the server is away keys that are known count on, and without any nobody is told from others', async (t) => {
  const issuer = await createTokenIssuer('one');
  const stranger = await createTokenIssuer('two');
  const away = refusal(500, 'etcd is away');
  const token = await issuer.sign({ sub, aud: audience });
  const { userOf, asked, change, pass } = await tokensOf(t, issuer, away);
  t.is(await userOf(token), sub);
  change();
  pass(10_000);
  await t.throwsAsync(userOf(await stranger.sign({ sub, aud: audience })), {
    code: 'CLV_KUBERNETES_UNREACHABLE',
  });
  t.is(await userOf(token), sub);
  pass(3_600_000);
  const { length } = asked;
  for (let times = 0; times < 3; times += 1) t.is(await userOf(token), sub, 'also after an hour');
  await until(() => asked.length >= length + 2);
  for (let times = 0; times < 3; times += 1) t.is(await userOf(token), sub);
  t.is(asked.length, length + 2, 'the server is not asked each time');
  const { userOf: fresh, change: back } = await tokensOf(t, away, issuer);
  await t.throwsAsync(fresh(token), { code: 'CLV_KUBERNETES_UNREACHABLE' });
  back();
  t.is(await fresh(token), sub, 'and it is asked again at once');
});

test('while the server hangs keys that are known count on, and who makes keys up has it asked once', async (t) => {
  const issuer = await createTokenIssuer('one');
  const stranger = await createTokenIssuer('two');
  const { userOf, asked, change, pass } = await tokensOf(t, issuer, () => undefined);
  const token = await issuer.sign({ sub, aud: audience });
  t.is(await userOf(token), sub);
  change();
  pass(3_600_000);
  const made = Array.from({ length: 5 }, () => stranger.sign({ sub, aud: audience }).then(userOf));
  for (const each of made) each.catch(() => undefined);
  t.is(await userOf(token), sub);
  await until(() => asked.length === 4);
  t.is(await userOf(token), sub);
  t.is(asked.length, 4);
});

test('an issuer that has another name from now on is believed, ten seconds after it was asked', async (t) => {
  const pair = await generateKeyPair('RS256');
  const old = await createTokenIssuer('one', 'https://old.example.com', pair);
  const renamed = await createTokenIssuer('one', 'https://new.example.com', pair);
  const { userOf, change, pass } = await tokensOf(t, old, renamed);
  t.is(await userOf(await old.sign({ sub, aud: audience })), sub);
  change();
  const token = await renamed.sign({ sub, aud: audience });
  t.is(await userOf(token), undefined);
  pass(10_000);
  t.is(await userOf(token), sub);
});
