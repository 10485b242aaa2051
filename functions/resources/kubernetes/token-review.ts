import { z } from 'zod';
import { readAnswer } from './answer.ts';
import type { KubeClient } from './client.ts';

const caller = z.object({
  // Of a token that it does not know the server says that it is of a user without a name.
  username: z.string().default(''),
  uid: z.string().optional(),
  groups: z.array(z.string()).optional(),
  extra: z.record(z.string(), z.array(z.string())).optional(),
});

/** Whom a cluster takes the bearer of a token for. */
export type Caller = z.output<typeof caller>;

const tokenReview = z.object({
  status: z.object({
    authenticated: z.boolean().default(false),
    user: caller.default({ username: '' }),
    audiences: z.array(z.string()).default([]),
  }),
});

/** The token of an Authorization header; undefined where it has none. */
export function bearerToken(authorization = ''): string | undefined {
  return /^bearer +([^ ]+) *$/i.exec(authorization)?.[1];
}

/**
 * Asks the cluster whose token it is; undefined where it is nobody's.
 * @param audience whom the token has to be for. Default: the API server itself.
 * @throws CloverError as {@link KubeClient}.
 */
export async function reviewToken(
  client: KubeClient,
  token: string,
  audience?: string,
): Promise<Caller | undefined> {
  const answer = await client.call({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/tokenreviews',
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, ...(audience !== undefined && { audiences: [audience] }) },
    },
  });
  const { authenticated, user, audiences } = readAnswer(
    tokenReview,
    answer,
    'a TokenReview',
  ).status;
  // A server that knows of no audiences names none, and would take a token for anybody (authentication/v1, TokenReviewSpec).
  const isForIt = audience === undefined || audiences.includes(audience);
  return authenticated && isForIt && user.username !== '' ? user : undefined;
}
