import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { groupOf, type Place } from './collections.ts';

/** What one wants to do with a kind of objects. */
export interface Wish {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string | undefined;
}

const review = z.object({
  status: z.object({ allowed: z.boolean(), reason: z.string().default('') }),
});

/** Each verb for each kind among the places, once. */
export function wishesFor(places: readonly Place[], verbs: readonly string[]): readonly Wish[] {
  const wishes = places.flatMap(({ apiVersion, plural, namespace }) =>
    verbs.map((verb): Wish => ({ verb, group: groupOf(apiVersion), resource: plural, namespace })),
  );
  return [...new Map(wishes.map((wish) => [Object.values(wish).join(' '), wish])).values()];
}

/** The wishes that the API server would refuse to whoever asks. */
export async function refusedWishes(
  client: KubeClient,
  wishes: readonly Wish[],
): Promise<readonly Wish[]> {
  const answers = await Promise.all(
    wishes.map(async (wish) => ({ wish, allowed: await isAllowed(client, wish) })),
  );
  return answers.filter(({ allowed }) => !allowed).map(({ wish }) => wish);
}

/**
 * Asks for all of them before anything is changed.
 * @throws CloverError CLV_KUBERNETES_FORBIDDEN naming each that is refused.
 */
export async function demandPermissions(
  client: KubeClient,
  wishes: readonly Wish[],
): Promise<void> {
  const refused = await refusedWishes(client, wishes);
  if (refused.length === 0) return;
  const details = refused.map((wish) => ({ field: wishText(wish), message: 'is not allowed' }));
  const message = `you may not do what this takes, and nothing was changed: ${refused.length} of ${wishes.length} permissions are missing`;
  throw new CloverError('CLV_KUBERNETES_FORBIDDEN', message, { details });
}

/** As kubectl auth can-i takes it: `create deployments.apps -n clover-system`. */
export function wishText({ verb, group, resource, namespace }: Wish): string {
  const scope = namespace === undefined ? '' : ` -n ${namespace}`;
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}${scope}`;
}

async function isAllowed(client: KubeClient, wish: Wish): Promise<boolean> {
  const answer = await client.call({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { ...wish } },
    },
  });
  return review.parse(answer).status.allowed;
}
