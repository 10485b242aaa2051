import test from 'ava';
import { z } from 'zod';
import {
  encryptionFindings,
  judgeMtls,
  type PeerPolicy,
} from '../../../cloverctl/doctor/encryption-findings.ts';
import type { CapturePoint } from '../../../cloverctl/doctor/agent-ledger.ts';
import type { KubeCall, KubeClient } from '../../../functions/resources/kubernetes/client.ts';

const policy = (namespace: string, mode: string, app?: string): PeerPolicy => ({
  metadata: { namespace, name: app ?? 'default' },
  spec: { mtls: { mode }, ...(app !== undefined && { selector: { matchLabels: { app } } }) },
});

const judged = (...policies: readonly PeerPolicy[]): string => {
  const { state, found } = judgeMtls('shop', policies, ['shop/web']);
  return `${state} ${found}`;
};

test('where nobody says anything, sidecars encrypt between each other', (t) => {
  t.regex(judged(), /^doubtful PERMISSIVE: sidecars encrypt/);
  t.regex(judged(policy('shop', 'UNSET')), /^doubtful PERMISSIVE/);
  t.regex(judged(policy('other', 'DISABLE')), /^doubtful PERMISSIVE/);
});

test('a namespace that disables it is well, and so is one of a mesh that does', (t) => {
  t.is(judged(policy('shop', 'DISABLE')), 'good DISABLE');
  t.is(judged(policy('istio-system', 'DISABLE'), policy('shop', 'UNSET')), 'good DISABLE');
});

test('the namespace goes before the mesh', (t) => {
  const [on, off] = ['STRICT', 'DISABLE'];
  t.is(judged(policy('istio-system', on), policy('shop', off)), 'good DISABLE');
  t.regex(judged(policy('istio-system', off), policy('shop', on)), /^bad STRICT/);
});

test('pods that have a policy of their own are named by it', (t) => {
  const of = judged(policy('shop', 'DISABLE'), policy('shop', 'STRICT', 'pay'));
  t.is(of, 'doubtful DISABLE, but for the pods of pay STRICT');
  t.is(judged(policy('shop', 'DISABLE'), policy('shop', 'DISABLE', 'pay')), 'good DISABLE');
});

const review = z.object({
  spec: z.object({ resourceAttributes: z.object({ resource: z.string() }) }),
});

/** An API server with mTLS in one namespace, where two pods have sidecars; `refused` is a resource that may not be listed. */
function server(refused?: string): KubeClient {
  const answer = ({ path, query, body }: KubeCall): unknown => {
    if (path.endsWith('/selfsubjectaccessreviews')) {
      const { spec } = review.parse(body);
      return { status: { allowed: spec.resourceAttributes.resource !== refused } };
    }
    if (path.endsWith('/peerauthentications')) {
      return {
        items: [
          { metadata: { namespace: 'shop', name: 'default' }, spec: { mtls: { mode: 'STRICT' } } },
        ],
      };
    }
    const has = path.includes('/shop/') && query?.['labelSelector'] !== undefined;
    return { items: has ? ['web', 'pay'].map((name) => ({ metadata: { name } })) : [] };
  };
  return {
    call: async (call) => answer(call),
    lines: () => {
      throw new Error('nothing is watched');
    },
  };
}

const seen = (pod: string, kind: string): CapturePoint => ({ pod, kind, name: 'x' });

test('pods with sidecars that are seen at veths are told of, and no others', async (t) => {
  const points = [
    seen('shop/web', 'ethernet'),
    seen('shop/pay', 'cgroup'),
    seen('shop/without-sidecar', 'ethernet'),
    seen('plain/web', 'ethernet'),
  ];
  t.deepEqual(await encryptionFindings(server(), points), [
    {
      check: 'mTLS in shop',
      state: 'bad',
      found: 'STRICT: shop/web, seen at veths, take nothing that an agent can read',
      fix: 'nodes with cgroups v2, where a pod with a sidecar is read in plain text; or a PeerAuthentication in shop with spec.mtls.mode DISABLE',
    },
  ]);
  t.deepEqual(await encryptionFindings(server(), []), []);
});

test('at cgroups STRICT hides nothing', async (t) => {
  const points = [seen('shop/web', 'cgroup'), seen('shop/web', 'cgroup')];
  t.deepEqual(await encryptionFindings(server(), points), [
    {
      check: 'mTLS in shop',
      state: 'good',
      found: 'pods with a sidecar are seen at their cgroups, in plain text, whatever the mode',
    },
  ]);
});

test('of many pods some are named', (t) => {
  const pods = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const { found } = judgeMtls('shop', [], pods);
  t.regex(found, /of a, b, c, d, e and 2 more, seen at veths/);
});

test('who may not look is told what is missing', async (t) => {
  t.deepEqual(await encryptionFindings(server('pods'), [seen('shop/web', 'ethernet')]), [
    { check: 'mTLS', state: 'doubtful', found: 'cannot be told', fix: 'ask for: list pods' },
  ]);
});
