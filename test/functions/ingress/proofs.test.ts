import test from 'ava';
import { createProofs } from '../../../functions/ingress/proofs.ts';
import type { Outcome } from '../../../functions/ingress/translate.ts';
import { ingressOf } from './examples.ts';

const outcome = (name: string, more: Partial<Outcome> = {}): Outcome => ({
  ingress: ingressOf(name, {}),
  key: `shop/${name}`,
  hash: 'new',
  probes: [
    { port: 8080, host: 'a.b' },
    { port: 8081, host: 'c.d' },
  ],
  problems: [],
  lacks: [],
  ...more,
});

/** Envoys that have a hash by `address port host`; any other place has the old one. */
function bench(...has: readonly string[]) {
  const current = new Set(has);
  const asked: string[] = [];
  const proofs = createProofs({
    hashAt: async ({ address, port }, host) => {
      const place = `${address} ${port} ${host}`;
      asked.push(place);
      return current.has(place) ? 'new' : 'old';
    },
  });
  return { proofs, asked, current };
}

test('a state is proven when every Envoy answers for each of its rules, and is not asked for again', async (t) => {
  const app = outcome('app');
  const { proofs, asked, current } = bench('e1 8080 a.b', 'e1 8081 c.d', 'e2 8080 a.b');
  await proofs.ask([app], ['e1', 'e2']);
  t.false(proofs.has(app));
  current.add('e2 8081 c.d');
  await proofs.ask([app], ['e1', 'e2']);
  t.true(proofs.has(app));
  t.is(asked.length, 8);
  await proofs.ask([app], ['e1', 'e2']);
  t.is(asked.length, 8);
  // Another state of it has to be proven anew, and so has this one after an Envoy has started.
  t.false(proofs.has({ ...app, hash: 'newer' }));
  proofs.forget();
  t.false(proofs.has(app));
});

test('without an Envoy, without a rule and without a rendering nothing is proven', async (t) => {
  const { proofs, asked } = bench('e1 8080 a.b', 'e1 8081 c.d');
  const empty = outcome('empty', { probes: [] });
  const bad = outcome('bad', { problems: [{ field: 'spec', message: 'no' }] });
  await proofs.ask([outcome('app')], []);
  await proofs.ask([empty, bad], ['e1']);
  t.false([outcome('app'), empty, bad].some((one) => proofs.has(one)));
  t.deepEqual(asked, []);
});

test('one that has gone is forgotten', async (t) => {
  const app = outcome('app');
  const { proofs } = bench('e1 8080 a.b', 'e1 8081 c.d');
  await proofs.ask([app], ['e1']);
  t.true(proofs.has(app));
  await proofs.ask([], ['e1']);
  t.false(proofs.has(app));
});
