import { kinds, type KindInfo } from '../knative/resources/kinds.ts';
import { CloverError } from '../functions/lib/errors.ts';
import { nearest } from '../functions/lib/nearest.ts';
import { label } from '../functions/resources/stored-resource.ts';

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

/** The error of an object that does not exist, as the control plane words it. */
export function missing({ kind }: KindInfo, namespace: string, name: string): CloverError {
  return new CloverError('CLV_NOT_FOUND', `${label(kind, namespace, name)} does not exist`);
}

/**
 * Checks that users may write a kind.
 * @param name Of the object that is meant, where it is one.
 * @throws CloverError CLV_ARGUMENT_INVALID.
 */
export function demandWritable({ kind, singular, writable }: KindInfo, name?: string): void {
  if (writable) return;
  const shown = name === undefined ? singular : `${singular}/${name}`;
  const message = `${kind} is a kind that Clover writes alone; see "cloverctl describe ${shown}"`;
  throw new CloverError('CLV_ARGUMENT_INVALID', message);
}

function namesOf({ plural, singular, shortNames }: KindInfo): string[] {
  return [plural, singular, ...shortNames];
}
