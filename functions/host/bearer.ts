import { createHash, timingSafeEqual } from 'node:crypto';

/** Tells whether an Authorization header carries the token, in a time that says nothing about it. */
export function createBearerCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization) => {
    const given = /^bearer +([^ ]+) *$/i.exec(authorization ?? '')?.[1];
    // Equal lengths by hashing: the comparison tells not even the token's length.
    return timingSafeEqual(digest(given ?? ''), expected) && given !== undefined;
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
