import test from 'ava';
import { asTierName, tierNames, whyNotHere } from './tiers.ts';

test('who is not root is told so before a node is started, and may start an API server', (t) => {
  t.regex(whyNotHere('node', {}, 1_000) ?? '', /^not root/);
  t.is(whyNotHere('api', {}, 1_000), undefined);
});

test('a tier has its name, and nothing else is one', (t) => {
  t.deepEqual(tierNames.map(asTierName), [...tierNames]);
  t.is(asTierName('toString'), undefined);
});
