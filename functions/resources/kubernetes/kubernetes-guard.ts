import { z } from 'zod';
import { canonicalJson, sha256 } from '../../lib/canonical-json.ts';
import { CloverError } from '../../lib/errors.ts';
import { excerpt } from '../../lib/excerpt.ts';
import type { Log } from '../../lib/log.ts';
import { createRecent } from '../../lib/recent.ts';
import { readAnswer } from './answer.ts';
import type { KubeClient } from './client.ts';
import { bearerToken, reviewToken, type Caller } from './token-review.ts';
import type { Access, Guard, ResourceAccess } from './guard.ts';

/** Options of {@link createKubernetesGuard}. */
export interface KubernetesGuardOptions {
  /** Told who writes what. */
  readonly log: Log;
  /** Names callers that are known without the cluster, and so not asked for there: they may do all of it. Default: none are. */
  readonly known?: (authorization: string | undefined) => string | undefined;
  /** Where Clover is installed, which its roles are called by; asked for where one is named. Default: the namespace that an installation has if none is said. */
  readonly namespace?: () => string;
  /** Milliseconds of a clock that nobody sets. */
  readonly now?: () => number;
}

const accessReview = z.object({ status: z.object({ allowed: z.boolean() }) });

/** As long as an API server keeps what another one told it: a right that is taken away ends after this. */
const keptMs = 10_000;
/** A caller of some hundred bytes each, and no memory to speak of. */
const mostKept = 1_024;
const reading: ReadonlySet<string> = new Set(['get', 'list', 'watch']);

/**
 * Asks the cluster who a bearer token is of, and what they may do. What it lets through counts for ten seconds, by the hash of the token;
 * what it refuses is asked again each time, so that a new right counts at once.
 */
export function createKubernetesGuard(
  client: KubeClient,
  { log, known, namespace = () => 'clover-system', now }: KubernetesGuardOptions,
): Guard {
  const bounds = { ms: keptMs, most: mostKept, ...(now !== undefined && { now }) };
  const callers = createRecent<Caller>(bounds);
  const allowed = createRecent<void>(bounds);
  const review = async (
    authorization: string | undefined,
    wanted: readonly Access[],
  ): Promise<string> => {
    const token = tokenOf(authorization);
    const hash = sha256(token);
    const who = await callers.get(hash, () => whoHas(client, token));
    await Promise.all(
      wanted.map((access) =>
        allowed.get(`${hash} ${canonicalJson(access)}`, () =>
          demand(client, who, access, namespace),
        ),
      ),
    );
    return who.username;
  };
  return {
    async admit(authorization, wanted) {
      const actor = known?.(authorization) ?? (await review(authorization, wanted));
      for (const access of wanted) {
        if (reading.has(access.verb)) continue;
        log.info({ actor, ...access }, 'a caller may write');
      }
    },
  };
}

/** @throws CloverError CLV_UNAUTHORIZED. */
function tokenOf(authorization: string | undefined): string {
  const token = bearerToken(authorization);
  if (token !== undefined) return token;
  const message =
    'send Authorization: Bearer with a token of the cluster, such as that of "kubectl create token ACCOUNT"';
  throw new CloverError('CLV_UNAUTHORIZED', message);
}

/** @throws CloverError CLV_UNAUTHORIZED; as {@link KubeClient}. */
async function whoHas(client: KubeClient, token: string): Promise<Caller> {
  const user = await reviewToken(client, token);
  if (user !== undefined) return user;
  const message =
    'the cluster does not take this token: it has expired, is none, or is for another audience; send a new one, such as that of "kubectl create token ACCOUNT"';
  throw new CloverError('CLV_UNAUTHORIZED', message);
}

/** @throws CloverError CLV_FORBIDDEN; as {@link KubeClient}. */
async function demand(
  client: KubeClient,
  who: Caller,
  access: Access,
  namespace: () => string,
): Promise<void> {
  const { username: user, ...rest } = who;
  const attributes =
    'path' in access ? { nonResourceAttributes: access } : { resourceAttributes: access };
  const answer = await client.call({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user, ...rest, ...attributes },
    },
  });
  if (readAnswer(accessReview, answer, 'a SubjectAccessReview').status.allowed) return;
  const what = 'path' in access ? `${access.verb} ${access.path}` : inWords(access);
  const role = roleFor(access, namespace);
  const message = `${user} may not ${what}: give them a role that allows it, such as the ClusterRole "${role}"`;
  throw new CloverError('CLV_FORBIDDEN', message);
}

/** Of those that an installation has. */
function roleFor(access: Access, namespace: () => string): string {
  if ('path' in access && access.path === '/metrics') return `${namespace()}-metrics-reader`;
  return reading.has(access.verb) ? 'view' : 'edit';
}

/** As `kubectl auth can-i` takes it. */
function inWords({ verb, group, resource, namespace, name }: ResourceAccess): string {
  const one = name === undefined ? '' : `/${excerpt(name)}`;
  const scope = namespace === undefined ? '-A' : `-n ${excerpt(namespace)}`;
  return `${verb} ${resource}.${group}${one} ${scope}`;
}
