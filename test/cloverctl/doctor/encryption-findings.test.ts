import test from 'ava';
import { z } from 'zod';
import {
  encryptionFindings,
  judgeMtls,
  type PeerPolicy,
} from '../../../cloverctl/doctor/encryption-findings.ts';
import type { KubeCall, KubeClient } from '../../../functions/resources/kubernetes/client.ts';

const policy = (namespace: string, mode: string, app?: string): PeerPolicy => ({
  metadata: { namespace, name: app ?? 'default' },
  spec: { mtls: { mode }, ...(app !== undefined && { selector: { matchLabels: { app } } }) },
});

const judged = (...policies: readonly PeerPolicy[]): string => {
  const { state, found } = judgeMtls('shop', policies);
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

/** An API server with Taps in two namespaces, one of them with sidecars; `refused` is a resource that may not be listed. */
function server(refused?: string): KubeClient {
  const answer = ({ path, query, body }: KubeCall): unknown => {
    if (path.endsWith('/selfsubjectaccessreviews')) {
      const { spec } = review.parse(body);
      return { status: { allowed: spec.resourceAttributes.resource !== refused } };
    }
    if (path.endsWith('/taps')) {
      return {
        items: ['shop', 'plain', 'shop'].map((namespace) => ({ metadata: { namespace } })),
      };
    }
    if (path.endsWith('/peerauthentications')) {
      return { items: [{ metadata: { namespace: 'shop', name: 'default' } }] };
    }
    const has = path.includes('/shop/') && query?.['labelSelector'] !== undefined;
    return { items: has ? [{ metadata: { namespace: 'shop' } }] : [] };
  };
  return {
    call: async (call) => answer(call),
    lines: () => {
      throw new Error('nothing is watched');
    },
  };
}

test('only namespaces with a Tap and with sidecars are told of', async (t) => {
  t.deepEqual(
    (await encryptionFindings(server())).map(({ check, state, fix }) => ({ check, state, fix })),
    [
      {
        check: 'mTLS in shop',
        state: 'doubtful',
        fix: 'agents read plain text alone: a PeerAuthentication in shop with spec.mtls.mode DISABLE, for now',
      },
    ],
  );
});

test('who may not look is told what is missing', async (t) => {
  t.deepEqual(await encryptionFindings(server('pods')), [
    { check: 'mTLS', state: 'doubtful', found: 'cannot be told', fix: 'ask for: list pods' },
  ]);
});
