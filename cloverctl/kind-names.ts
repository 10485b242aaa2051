import { kinds, type KindInfo } from '../knative/resources/kinds.ts';
import { CloverError } from '../functions/lib/errors.ts';
import { nearest } from '../functions/lib/nearest.ts';

const group = /\.(?:v1alpha1\.)?clover\.dev$/;

/**
 * The kind by its plural, singular, short or CamelCase name, in any case, with its group or without.
 * @throws CloverError CLV_ARGUMENT_INVALID with what was probably meant.
 */
export function kindByName(text: string): KindInfo {
  const word = text.toLowerCase().replace(group, '');
  const found = kinds.find((info) => namesOf(info).includes(word));
  if (found !== undefined) return found;
  const meant = nearest(word, kinds.flatMap(namesOf));
  const known = kinds.map(({ plural, shortNames }) => [plural, ...shortNames].join('|')).join(', ');
  const hint = meant === undefined ? `kinds are ${known}` : `did you mean "${meant}"?`;
  throw new CloverError('CLV_ARGUMENT_INVALID', `unknown kind "${text}": ${hint}`);
}

/** How an object is called in answers: `trafficpolicy.clover.dev/proxy`. */
export function qualifiedName({ singular }: KindInfo, name: string): string {
  return `${singular}.clover.dev/${name}`;
}

/** The error of an object that does not exist. */
export function missing({ singular }: KindInfo, namespace: string, name: string): CloverError {
  return new CloverError(
    'CLV_NOT_FOUND',
    `${singular} "${name}" does not exist in namespace ${namespace}`,
  );
}

function namesOf({ plural, singular, shortNames }: KindInfo): string[] {
  return [plural, singular, ...shortNames];
}
