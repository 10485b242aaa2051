import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { groupOf } from '../installation/collections.ts';
import { refusedWishes, wishText, type Wish } from '../installation/permissions.ts';
import type { Finding } from './finding.ts';

/** Modes of a PeerAuthentication: https://istio.io/latest/docs/reference/config/security/peer_authentication/ */
type Mode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';

const namespacedList = z.object({
  items: z.array(z.object({ metadata: z.object({ namespace: z.string() }) })),
});

const policyList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ namespace: z.string(), name: z.string() }),
      spec: z
        .object({
          selector: z
            .object({ matchLabels: z.record(z.string(), z.string()).default({}) })
            .optional(),
          mtls: z.object({ mode: z.string().default('UNSET') }).prefault({}),
        })
        .prefault({}),
    }),
  ),
});

/** What is judged of a PeerAuthentication. */
export type PeerPolicy = z.output<typeof policyList>['items'][number];

/** Where Istio looks for what holds in every namespace, unless its MeshConfig says otherwise. */
const rootNamespace = 'istio-system';

const fix = (namespace: string): string =>
  `agents read plain text alone: a PeerAuthentication in ${namespace} with spec.mtls.mode DISABLE, for now`;

/** Namespaces that are traced, and whose sidecars encrypt what agents would read. Istio is taken to be there. */
export async function encryptionFindings(client: KubeClient): Promise<readonly Finding[]> {
  const refused = await refusedWishes(client, [
    readable(groupOf(apiVersion), 'taps'),
    readable('', 'pods'),
    readable('security.istio.io', 'peerauthentications'),
  ]);
  if (refused.length > 0) {
    const found = 'cannot be told';
    const asked = `ask for: ${refused.map((wish) => wishText(wish)).join(', ')}`;
    return [{ check: 'mTLS', state: 'doubtful', found, fix: asked }];
  }
  const get = (path: string, query = {}) => client.call({ method: 'GET', path, query });
  const taps = namespacedList.parse(await get(`/apis/${apiVersion}/taps`));
  const traced = [...new Set(taps.items.map(({ metadata }) => metadata.namespace))].toSorted();
  if (traced.length === 0) return [];
  const { items } = policyList.parse(await get('/apis/security.istio.io/v1/peerauthentications'));
  const findings = await Promise.all(
    traced.map(async (namespace) => {
      // Istio marks what it has given a sidecar: one such pod is enough.
      const query = { labelSelector: 'security.istio.io/tlsMode=istio', limit: '1' };
      const pods = await get(`/api/v1/namespaces/${namespace}/pods`, query);
      return namespacedList.parse(pods).items.length === 0 ? [] : [judgeMtls(namespace, items)];
    }),
  );
  return findings.flat();
}

/** Whether agents can read what the sidecars of a namespace receive. */
export function judgeMtls(namespace: string, policies: readonly PeerPolicy[]): Finding {
  const check = `mTLS in ${namespace}`;
  const mode = modeOf(namespace, policies) ?? modeOf(rootNamespace, policies) ?? 'PERMISSIVE';
  if (mode === 'STRICT') {
    const found = 'STRICT: its pods take nothing that an agent can read';
    return { check, state: 'bad', found, fix: fix(namespace) };
  }
  if (mode === 'PERMISSIVE') {
    const found = 'PERMISSIVE: sidecars encrypt between each other, and no agent can read that';
    return { check, state: 'doubtful', found, fix: fix(namespace) };
  }
  const others = policies.filter(
    (policy) => policy.metadata.namespace === namespace && isNarrow(policy) && encrypts(policy),
  );
  if (others.length === 0) return { check, state: 'good', found: 'DISABLE' };
  const names = others.map(({ metadata, spec }) => `${metadata.name} ${spec.mtls.mode}`).join(', ');
  const found = `DISABLE, but for the pods of ${names}`;
  return { check, state: 'doubtful', found, fix: 'no agent can read what those pods take' };
}

/** Of a whole namespace; undefined where nobody says. */
function modeOf(namespace: string, policies: readonly PeerPolicy[]): Mode | undefined {
  const whole = policies.find(
    (policy) => policy.metadata.namespace === namespace && !isNarrow(policy),
  );
  const mode = whole?.spec.mtls.mode;
  return mode === 'STRICT' || mode === 'PERMISSIVE' || mode === 'DISABLE' ? mode : undefined;
}

function isNarrow({ spec: { selector } }: PeerPolicy): boolean {
  return selector !== undefined && Object.keys(selector.matchLabels).length > 0;
}

function encrypts({ spec: { mtls } }: PeerPolicy): boolean {
  return mtls.mode === 'STRICT' || mtls.mode === 'PERMISSIVE';
}

function readable(ofGroup: string, resource: string): Wish {
  return { verb: 'list', group: ofGroup, resource, namespace: undefined };
}
