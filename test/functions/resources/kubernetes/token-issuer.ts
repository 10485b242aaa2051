import { createSecretKey } from 'node:crypto';
import {
  exportJWK,
  generateKeyPair,
  SignJWT,
  type GenerateKeyPairResult,
  type JWTPayload,
} from 'jose';
import { refusal, reply, type Answer, type Asked } from './wire.ts';

/** What is to stand in a token. */
type Claims = JWTPayload & {
  /** It does not expire. */
  readonly endless?: boolean;
};

/** What an API server says of itself as the issuer of tokens, and its tokens. */
export interface TokenIssuer {
  /** What it answers to who asks for its configuration and its keys; undefined for anything else. */
  readonly answer: (asked: Pick<Asked, 'headers' | 'path'>) => Answer | undefined;
  /** A token for `aud` of an account, good for an hour. */
  readonly sign: (claims: Claims) => Promise<string>;
  /** The same, with its public key taken for a shared secret. */
  readonly forge: (claims: Claims) => Promise<string>;
}

const jwks = '/openid/v1/jwks';

/** Makes one with a key of its own, unless it is given one. */
export async function createTokenIssuer(
  kid: string,
  issuer = 'https://kubernetes.default.svc.cluster.local',
  pair?: GenerateKeyPairResult,
): Promise<TokenIssuer> {
  const { publicKey, privateKey } = pair ?? (await generateKeyPair('RS256'));
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' };
  const answers: Readonly<Record<string, Answer>> = {
    '/.well-known/openid-configuration': reply({ issuer, jwks_uri: 'https://elsewhere/jwks' }),
    [jwks]: reply({ keys: [jwk] }),
  };
  const signed = ({ endless = false, ...claims }: Claims): SignJWT => {
    const seconds = Math.floor(Date.now() / 1000);
    const end = endless ? {} : { exp: seconds + 3_600 };
    return new SignJWT({ iss: issuer, iat: seconds, ...end, ...claims });
  };
  return {
    answer: ({ path, headers }) => {
      const isAccepted = path !== jwks || headers['accept'] === 'application/jwk-set+json';
      return isAccepted ? answers[path] : refusal(406);
    },
    sign: (claims) => signed(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey),
    forge: (claims) =>
      signed(claims)
        .setProtectedHeader({ alg: 'HS256', kid })
        .sign(createSecretKey(Buffer.from(JSON.stringify(jwk)))),
  };
}
