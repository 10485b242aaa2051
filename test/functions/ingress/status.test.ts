import test from 'ava';
import { statusOf, type Verdict } from '../../../functions/ingress/status.ts';
import type { Ingress } from '../../../functions/ingress/ingress-object.ts';
import { ingressOf, specOf, splitOf } from './examples.ts';

const loadBalancers = { external: 'e.svc', internal: 'i.svc' };
const ingress = ingressOf('app', specOf(['a.b'], [{ splits: [splitOf('v1')] }]), { generation: 3 });
const fine: Verdict = { problems: [], lacks: [], isHeld: false, isProven: true, isDown: false };
const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

const judged = (verdict: Partial<Verdict>, of: Ingress = ingress, at = now): Ingress['status'] =>
  statusOf(of, { ...fine, ...verdict }, loadBalancers, at);

const shown = (status: Ingress['status']): string[] =>
  (status?.conditions ?? []).map(({ type, status: value, reason = '' }) =>
    `${type} ${value} ${reason}`.trim(),
  );

test('what every Envoy has is ready, at the names of the two Services', (t) => {
  t.deepEqual(judged({}), {
    observedGeneration: 3,
    conditions: ['LoadBalancerReady', 'NetworkConfigured', 'Ready'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: '2026-01-02T03:04:05Z',
    })),
    publicLoadBalancer: { ingress: [{ domainInternal: 'e.svc' }] },
    privateLoadBalancer: { ingress: [{ domainInternal: 'i.svc' }] },
  });
});

test('what is as it should be is not written again, and times move with the status alone', (t) => {
  const known = { ...ingress, status: judged({}) };
  t.is(judged({}, known, now + 60_000), undefined);
  const later = judged({ isDown: true }, known, now + 60_000);
  t.deepEqual(
    later?.conditions?.map(({ lastTransitionTime }) => lastTransitionTime),
    ['2026-01-02T03:05:05Z', '2026-01-02T03:04:05Z', '2026-01-02T03:05:05Z'],
  );
});

test('the worst condition is that of the whole', (t) => {
  t.deepEqual(shown(judged({ isDown: true, problems: [{ field: 'spec.rules', message: 'no' }] })), [
    'LoadBalancerReady Unknown EnvoyDown',
    'NetworkConfigured False NotRendered',
    'Ready False NotRendered',
  ]);
  t.deepEqual(shown(judged({ isDown: true })), [
    'LoadBalancerReady Unknown EnvoyDown',
    'NetworkConfigured True',
    'Ready Unknown EnvoyDown',
  ]);
});

test('what is not known yet does not take back what another controller has found', (t) => {
  const known = { ...ingress, status: judged({}) };
  t.is(judged({ isProven: false }, known), undefined);
  t.deepEqual(shown(judged({ isProven: false, isDown: true }, known)), [
    'LoadBalancerReady Unknown EnvoyDown',
    'NetworkConfigured Unknown Probing',
    'Ready Unknown EnvoyDown',
  ]);
  const newer = { ...known, metadata: { ...known.metadata, generation: 4 } };
  t.deepEqual(shown(judged({ isProven: false }, newer))[2], 'Ready Unknown Probing');
  t.deepEqual(shown(judged({ isHeld: true }, newer))[2], 'Ready Unknown WaitingForEndpoints');
  t.deepEqual(
    shown(judged({ isProven: false, refusal: 'no' }, known))[2],
    'Ready Unknown EnvoyRefused',
  );
});

test('a backend that is missing is waited for; one without endpoints is only mentioned', (t) => {
  const idle = { kind: 'idle', message: 'idle' } as const;
  const missing = { kind: 'missing', message: 'missing' } as const;
  t.is(shown(judged({ lacks: [idle] }))[1], 'NetworkConfigured True NoEndpoints');
  t.is(shown(judged({ lacks: [idle, missing] }))[1], 'NetworkConfigured Unknown BackendNotFound');
});

test('a message has a bound', (t) => {
  const problems = [{ field: 'spec', message: 'x'.repeat(100_000) }];
  t.is(judged({ problems })?.conditions?.[1]?.message?.length, 2_000);
});
