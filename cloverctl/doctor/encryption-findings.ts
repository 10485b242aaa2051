import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { refusedWishes, wishText, type Wish } from '../installation/permissions.ts';
import type { CapturePoint } from './agent-ledger.ts';
import type { Finding } from './finding.ts';

/** Modes of a PeerAuthentication: https://istio.io/latest/docs/reference/config/security/peer_authentication/ */
type Mode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';

const podList = z.object({
  items: z.array(z.object({ metadata: z.object({ name: z.string() }) })),
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
  `nodes with cgroups v2, where a pod with a sidecar is read in plain text; or a PeerAuthentication in ${namespace} with spec.mtls.mode DISABLE`;

/**
 * Namespaces with sidecars that encrypt what agents would read, which is so at veths alone: at a container's cgroup what it says to its
 * sidecar is plain text. Istio is taken to be there.
 * @param points where agents see pods.
 */
export async function encryptionFindings(
  client: KubeClient,
  points: readonly CapturePoint[],
): Promise<readonly Finding[]> {
  if (points.length === 0) return [];
  const refused = await refusedWishes(client, [
    readable('', 'pods'),
    readable('security.istio.io', 'peerauthentications'),
  ]);
  if (refused.length > 0) {
    const found = 'cannot be told';
    const asked = `ask for: ${refused.map((wish) => wishText(wish)).join(', ')}`;
    return [{ check: 'mTLS', state: 'doubtful', found, fix: asked }];
  }
  const get = (path: string, query = {}) => client.call({ method: 'GET', path, query });
  const { items } = policyList.parse(await get('/apis/security.istio.io/v1/peerauthentications'));
  const atVeth = new Set(points.filter(({ kind }) => kind !== 'cgroup').map(({ pod }) => pod));
  const seen = Map.groupBy(new Set(points.map(({ pod }) => pod)), namespaceOf);
  const namespaces = [...seen].toSorted(([one], [other]) => one.localeCompare(other));
  const findings = await Promise.all(
    namespaces.map(async ([namespace, pods]) => {
      // Istio marks what it has given a sidecar.
      const query = { labelSelector: 'security.istio.io/tlsMode=istio' };
      const answer = await get(`/api/v1/namespaces/${namespace}/pods`, query);
      const names = podList.parse(answer).items.map(({ metadata }) => metadata.name);
      const meshed = new Set(names.map((name) => `${namespace}/${name}`));
      const traced = pods.filter((pod) => meshed.has(pod));
      if (traced.length === 0) return [];
      const blind = traced.filter((pod) => atVeth.has(pod));
      return [blind.length === 0 ? plainText(namespace) : judgeMtls(namespace, items, blind)];
    }),
  );
  return findings.flat();
}

function plainText(namespace: string): Finding {
  const found = 'pods with a sidecar are seen at their cgroups, in plain text, whatever the mode';
  return { check: `mTLS in ${namespace}`, state: 'good', found };
}

/** Of a pod as agents name it. */
function namespaceOf(pod: string): string {
  return pod.slice(0, pod.indexOf('/'));
}

/** Whether agents can read what sidecars of a namespace receive whose pods are seen at veths. */
export function judgeMtls(
  namespace: string,
  policies: readonly PeerPolicy[],
  pods: readonly string[],
): Finding {
  const check = `mTLS in ${namespace}`;
  const mode = modeOf(namespace, policies) ?? modeOf(rootNamespace, policies) ?? 'PERMISSIVE';
  if (mode === 'STRICT') {
    const found = `STRICT: ${named(pods)} take nothing that an agent can read`;
    return { check, state: 'bad', found, fix: fix(namespace) };
  }
  if (mode === 'PERMISSIVE') {
    const found = `PERMISSIVE: sidecars encrypt between each other, and no agent can read that of ${named(pods)}`;
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

const mostNamed = 5;

function named(pods: readonly string[]): string {
  const more = pods.length - mostNamed;
  const names = pods.slice(0, mostNamed).join(', ');
  return `${names}${more > 0 ? ` and ${more} more` : ''}, seen at veths,`;
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
