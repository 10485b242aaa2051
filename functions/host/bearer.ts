import { timingSafeEqual } from 'node:crypto';

/** Tells whether an Authorization header carries the token, in a time that says nothing about it. */
export function createBearerCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = Buffer.from(token);
  return (authorization) => {
    const given = /^bearer +([^ ]+) *$/i.exec(authorization ?? '')?.[1];
    const bytes = Buffer.from(given ?? '');
    // Always as many bytes as the token has: what is wrong in length is compared like the rest.
    const compared = Buffer.alloc(expected.length);
    bytes.copy(compared);
    const isEqual = timingSafeEqual(compared, expected);
    return isEqual && bytes.length === expected.length && given !== undefined;
  };
}
