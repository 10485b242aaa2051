import { CloverError } from '../../functions/lib/errors.ts';

const example = 'http://127.0.0.1:7700';

/**
 * What keeps a text from being the address of a control plane; undefined when nothing does. It never has the text in
 * it: that may hold a password.
 */
export function serverUrlFault(text: string): string | undefined {
  if (!URL.canParse(text) || !/^https?:\/\//i.test(text)) {
    return `must be an address such as ${example}`;
  }
  const { username, password, pathname } = new URL(text);
  if (username !== '' || password !== '') {
    return 'must not hold a user or a password, which would be shown: a token opens the control plane';
  }
  if (pathname !== '/' || /[?#]/.test(text)) {
    return `must be scheme, host and port alone, such as ${example}: no path, query or fragment`;
  }
  return undefined;
}

/**
 * The address of a control plane, if it is one.
 * @param where the option or variable that holds it.
 * @throws CloverError CLV_ARGUMENT_INVALID; what might be a password is not in it.
 */
export function checkedServerUrl(text: string, where: string): string {
  const fault = serverUrlFault(text);
  if (fault === undefined) return text;
  const found = text.replace(/^(\w+:\/\/)?.*@/s, '$1…@');
  throw new CloverError('CLV_ARGUMENT_INVALID', `${where}: found "${found}"; ${fault}`);
}
