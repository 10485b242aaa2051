import { createLocalJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import { systemClock, type Clock } from '../../lib/clock.ts';
import { monotonicMs } from '../../lib/monotonic.ts';
import { readAnswer } from './answer.ts';
import type { KubeClient } from './client.ts';

/** Options of {@link createAccountTokens}. */
export interface AccountTokensOptions {
  /** By which tokens expire. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Milliseconds of a clock that nobody sets. */
  readonly now?: () => number;
}

/** Tokens of a cluster's service accounts. */
export interface AccountTokens {
  /**
   * The user that it is of, such as `system:serviceaccount:shop:web`; undefined where it is nobody's, for another audience, or has expired.
   * @throws CloverError as {@link KubeClient}, when the server's keys are not known.
   */
  userOf(token: string, audience: string): Promise<string | undefined>;
}

interface Issuer {
  readonly issuer: string;
  readonly key: JWTVerifyGetKey;
}

const discovery = z.object({ issuer: z.string().min(1) });
const keys = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

/** What an API server says as an issuer, and its keys (RFC 7517 §8.5.2). */
const configuration = { method: 'GET', path: '/.well-known/openid-configuration' } as const;
const keySet = {
  method: 'GET',
  path: '/openid/v1/jwks',
  accept: 'application/jwk-set+json',
} as const;

/** Those that API servers sign with (`serviceaccount/jwt.go`). */
const algorithms = ['RS256', 'ES256', 'ES384', 'ES512'];
/** What API servers say of their keys (`cache-control: max-age=3600`): then they are asked for anew. */
const keptMs = 3_600_000;
/** What is not known may be new; whoever makes it up does not have the server asked more often. */
const againMs = 10_000;
/** Of a node's clock, in seconds. */
const clockTolerance = 60;

/** Whether the server may have another key, or another name as an issuer, than it had. */
const mayBeNew = (error: unknown): boolean =>
  error instanceof errors.JWKSNoMatchingKey ||
  (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iss');

/**
 * Verifies tokens by what the API server says of itself as their issuer (OpenID Connect Discovery 1.0 §4, `/openid/v1/jwks`), which every
 * account may read. Unlike a TokenReview this takes a token whose account was made anew since: Eventing keeps tokens by the names of accounts, for an hour.
 */
export function createAccountTokens(
  client: KubeClient,
  { clock = systemClock, now = monotonicMs }: AccountTokensOptions = {},
): AccountTokens {
  let known: Issuer | undefined;
  let knownAt = -Infinity;
  let asking: Promise<Issuer> | undefined;
  let askedAt = -Infinity;
  let failure: unknown;

  const load = async (): Promise<Issuer> => {
    const [said, published] = await Promise.all([client.call(configuration), client.call(keySet)]);
    const { issuer } = readAnswer(discovery, said, 'an OpenID configuration');
    return { issuer, key: createLocalJWKSet(readAnswer(keys, published, 'a set of keys')) };
  };

  const learn = async (): Promise<Issuer> => {
    askedAt = now();
    try {
      known = await load();
      knownAt = now();
      failure = undefined;
      return known;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      asking = undefined;
    }
  };

  /** One question at a time, whoever asks. */
  const ask = (): Promise<Issuer> => (asking ??= learn());

  const isFresh = (): boolean => now() - askedAt < againMs;

  /** What is known, also while the server is away, or hangs: it is asked again beside that. */
  const knownIssuer = (): Promise<Issuer> => {
    if (known === undefined) return ask();
    if (now() - knownAt >= keptMs && !isFresh()) ask().catch(() => undefined);
    return Promise.resolve(known);
  };

  /** What the server says now, or has just said. */
  const newIssuer = async (): Promise<Issuer> => {
    if (known === undefined || !isFresh() || asking !== undefined) return ask();
    if (failure !== undefined) throw failure;
    return known;
  };

  const verify = async (
    token: string,
    audience: string,
    { issuer, key }: Issuer,
  ): Promise<string | undefined> => {
    const currentDate = new Date(clock.now());
    const wanted = { audience, issuer, algorithms, clockTolerance, currentDate };
    const { payload } = await jwtVerify(token, key, { ...wanted, requiredClaims: ['exp', 'sub'] });
    return payload.sub;
  };

  return {
    async userOf(token, audience) {
      try {
        return await verify(token, audience, await knownIssuer()).catch(async (error: unknown) => {
          if (!mayBeNew(error)) throw error;
          return verify(token, audience, await newIssuer());
        });
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}
