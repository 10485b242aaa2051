import test from 'ava';
import fc from 'fast-check';
import { kinds } from '../../../knative/resources/kinds.ts';
import { examples } from '../resources/examples.ts';
import { startApi } from './server.ts';

const apis = '/apis/clover.dev/v1alpha1';

/** Names that a document may really have, so that random ones get past the first check. */
const knownKey = fc.constantFrom(
  ...new Set(JSON.stringify(examples).match(/(?<=")\w+(?=":)/g)),
  'uid',
  '__proto__',
  'constructor',
);
const scalar = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('v1', '5s', '0ms', '*', '/', '9'.repeat(400), '\ud800'),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const { value: anything } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(knownKey, tie('value'), { maxKeys: 6 }),
  ),
}));

/** An example with one part of it replaced. */
const damaged = fc
  .tuple(fc.constantFrom(...Object.values(examples)), fc.nat(60), anything)
  .map(([document, place, value]) => {
    let seen = 0;
    const text = JSON.stringify(document, (_key, inner: unknown) =>
      seen++ === place ? value : inner,
    );
    const changed: unknown = JSON.parse(text ?? 'null');
    return { kind: document.kind, document: changed };
  });

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

test('whatever document is sent, the answer is never that something failed inside', async (t) => {
  const api = await startApi(t);
  const send = async (kind: string, body: string): Promise<number> => {
    const plural = kinds.find((info) => info.kind === kind)?.plural ?? kind;
    const name = kind === 'Tap' ? 'web' : kind === 'Experiment' ? 'try-v2' : 'proxy';
    const response = await fetch(
      new URL(`${apis}/namespaces/shop/${plural}/${name}?dryRun=All`, api.url),
      {
        method: 'PUT',
        headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' },
        body,
      },
    );
    await response.arrayBuffer();
    return response.status;
  };
  const random = fc.oneof(
    damaged,
    fc.record({
      kind: fc.constantFrom('Experiment', 'ExperimentRun', 'Tap', 'TrafficPolicy'),
      document: anything,
    }),
  );
  await fc.assert(
    fc.asyncProperty(random, async ({ kind, document }) => {
      const status = await send(kind, JSON.stringify(document) ?? 'null');
      const allowed = kind === 'ExperimentRun' ? [405] : [200, 201, 400, 422];
      t.true(allowed.includes(status), `${kind}: ${status}`);
    }),
    { numRuns: 400 },
  );
  const start = JSON.stringify(examples.Tap).slice(0, -1);
  for (const body of [
    nested(400_000),
    `${start},"spec":${nested(100_000)}}`,
    `${start},"spec":{"ports":${nested(100_000)}}}`,
    `${start},"metadata":{"name":${nested(100_000)}}}`,
  ]) {
    t.is(await send('Tap', body), 400);
  }
});

test('a document with a member twice is refused with its place, and nothing is stored', async (t) => {
  const api = await startApi(t);
  const { metadata } = examples.TrafficPolicy;
  const at = `${apis}/namespaces/${metadata.namespace}/trafficpolicies/${metadata.name}`;
  const once = JSON.stringify(examples.TrafficPolicy);
  const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' };
  const put = (body: string): Promise<Response> =>
    fetch(new URL(at, api.url), { method: 'PUT', headers, body });
  const response = await put(once.replace('"weight":', '"weight":7,"weight":'));
  t.is(response.status, 400);
  const problem: unknown = await response.json();
  t.like(problem, {
    code: 'CLV_ARGUMENT_INVALID',
    details: [
      { field: 'spec.rules[0].split[0].weight', message: 'must not be given more than once' },
    ],
  });
  t.is(await api.store.get('TrafficPolicy', metadata.namespace, metadata.name), undefined);
  t.is((await put(once)).status, 201);
});

test('whatever is asked, the answer is never that something failed inside', async (t) => {
  const api = await startApi(t);
  const paths = fc.constantFrom(
    `${apis}/taps`,
    `${apis}/namespaces/shop/experiments/x`,
    '/v1/questions/red',
    '/v1/stored-arms',
    '/v1/evidence/totals',
    '/v1/runs/shop/r1/looks',
    '/v1/status',
  );
  const parameter = fc.constantFrom(
    'from',
    'to',
    'watch',
    'timeoutSeconds',
    'resourceVersion',
    'x',
  );
  const value = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.double().map(String),
    fc.constantFrom('1.0005', '1e3', '0x10', '999999999999999', '9999-12-31T23:59:59Z', '-1'),
  );
  await fc.assert(
    fc.asyncProperty(
      paths,
      fc.array(fc.tuple(parameter, value), { maxLength: 3 }),
      async (path, pairs) => {
        const url = new URL(path, api.url);
        for (const [name, text] of pairs) url.searchParams.append(name, text);
        const response = await fetch(url, { headers: { authorization: `Bearer ${api.token}` } });
        await response.arrayBuffer();
        t.true(response.status < 500, `${url.href}: ${response.status}`);
      },
    ),
    { numRuns: 300 },
  );
  for (const seconds of ['1.0005', '1.5', 'NaN', '1e99']) {
    const url = new URL(`${apis}/taps?watch=true&timeoutSeconds=${seconds}`, api.url);
    const response = await fetch(url, { headers: { authorization: `Bearer ${api.token}` } });
    t.is(response.status, 400);
  }
});
