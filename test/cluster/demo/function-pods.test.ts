import test from 'ava';
import { createFunctionPods } from './function-pods.ts';

test('a function is at zero while it has no pod that stays, and woken by its first', (t) => {
  const pods = createFunctionPods(['api', 'policy']);
  t.deepEqual(pods.atZero(), ['api', 'policy']);
  t.regex(pods.hear('policy-00001-a   policy   <none>') ?? '', /^policy wakes up/);
  t.is(pods.hear('policy-00001-a   policy   <none>'), undefined);
  t.is(pods.hear('policy-00001-b   policy   <none>'), undefined);
  t.is(pods.hear('policy-00001-a   policy   2026-11-26T22:00:00Z'), undefined);
  t.deepEqual(pods.atZero(), ['api']);
  t.is(pods.hear('policy-00001-b   policy   2026-11-26T22:00:00Z'), 'policy is at zero');
  t.deepEqual(pods.atZero(), ['api', 'policy']);
  t.deepEqual(pods.woken(), ['policy']);
  t.deepEqual(pods.woken(), []);
});

test('pods of others are nobody', (t) => {
  const pods = createFunctionPods(['api']);
  t.is(pods.hear('agent-x   <none>   <none>'), undefined);
  t.deepEqual(pods.atZero(), ['api']);
});
