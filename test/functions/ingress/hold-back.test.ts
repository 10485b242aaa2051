import test from 'ava';
import { createHoldBack } from '../../../functions/ingress/hold-back.ts';
import { directoryOf, ingressOf, specOf, splitOf } from './examples.ts';

const app = (service: string, generation: number, metadata: object = {}) =>
  ingressOf('app', specOf(['a.b'], [{ splits: [splitOf(service)] }]), { generation, ...metadata });

const both = directoryOf({ v1: ['10.0.0.1'], v2: ['10.0.0.2'] });
const first = directoryOf({ v1: ['10.0.0.1'], v2: [] });

test('a new state without endpoints waits behind the one that is served', (t) => {
  let now = 0;
  const holdBack = createHoldBack(() => now);
  const [old, next] = [app('v1', 1), app('v2', 2)];
  t.deepEqual(holdBack([old], first), { rendered: [old] });
  t.deepEqual(holdBack([next], first), { rendered: [old], againMs: 10_000 });
  now = 4_000;
  t.deepEqual(holdBack([next], first), { rendered: [old], againMs: 6_000 });
  t.deepEqual(holdBack([next], both), { rendered: [next] });
  // What is served stays, whatever becomes of its endpoints.
  t.deepEqual(holdBack([next], first), { rendered: [next] });
});

test('it does not wait for ever, and a newer state waits anew', (t) => {
  let now = 0;
  const holdBack = createHoldBack(() => now);
  const old = app('v1', 1);
  holdBack([old], first);
  t.deepEqual(holdBack([app('v2', 2)], first).rendered, [old]);
  now = 9_999;
  t.deepEqual(holdBack([app('v2', 3)], first), { rendered: [old], againMs: 10_000 });
  now = 19_999;
  const late = app('v2', 3);
  t.deepEqual(holdBack([late], first), { rendered: [late] });
});

test('what is served the first time, or made anew, does not wait', (t) => {
  const holdBack = createHoldBack(() => 0);
  const lone = app('v2', 1);
  t.deepEqual(holdBack([lone], first), { rendered: [lone] });
  const anew = app('v2', 7, { uid: 'another' });
  t.deepEqual(holdBack([anew], first), { rendered: [anew] });
  t.deepEqual(holdBack([], first), { rendered: [] });
  const back = app('v2', 8, { uid: 'another' });
  t.deepEqual(holdBack([back], first), { rendered: [back] });
});
