import { CloverError } from '../lib/errors.ts';

/**
 * A bearer token that a header can carry; an empty one stands for none.
 * @param where the option, variable or file that it comes from.
 * @throws CloverError CLV_ARGUMENT_INVALID, which never holds the token.
 */
export function checkedToken(token: string, where: string): string {
  if (/^[\x21-\x7e]*$/.test(token)) return token;
  throw new CloverError(
    'CLV_ARGUMENT_INVALID',
    `${where}: found something that is no token; must be visible ASCII characters in one line`,
  );
}
