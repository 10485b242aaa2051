import { CloverError } from '../functions/lib/errors.ts';
import type { KindInfo } from '../knative/resources/kinds.ts';
import { kindByName } from './kind-names.ts';

/** An object of a kind, as a command line names it. */
export interface ObjectName {
  readonly info: KindInfo;
  readonly name: string;
}

/** What a command line names: objects, or a kind and nothing of it yet. */
export interface NamedObjects {
  /** The kind that stands alone; none where every word is `KIND/NAME`. */
  readonly kind: KindInfo | undefined;
  readonly objects: readonly ObjectName[];
}

/**
 * Reads `KIND NAME…` or `KIND/NAME…`, as kubectl takes them; what `-o name` prints is among them. What is named twice
 * is there once.
 * @throws CloverError CLV_ARGUMENT_INVALID when both forms are mixed, or a name is empty.
 */
export function objectNames(words: readonly string[]): NamedObjects {
  const [first, ...names] = words;
  if (first === undefined) return { kind: undefined, objects: [] };
  if (!first.includes('/')) {
    const kind = kindByName(first);
    const mixed = names.find((name) => name.includes('/'));
    if (mixed !== undefined) throw twoForms(mixed);
    const objects = [...new Set(names)].map((name) => ({
      info: kind,
      name: demandName(name, name),
    }));
    return { kind, objects };
  }
  return { kind: undefined, objects: onceEach(words.map(slashed)) };
}

/**
 * The one object that `KIND NAME` or `KIND/NAME` names.
 * @throws CloverError CLV_ARGUMENT_INVALID when it is none, or more than one.
 */
export function objectName(command: string, words: readonly string[]): ObjectName {
  const { objects } = objectNames(words);
  const [object] = objects;
  if (object !== undefined && objects.length === 1) return object;
  const found = words.length === 0 ? 'nothing' : words.map((word) => `"${word}"`).join(' ');
  throw new CloverError(
    'CLV_ARGUMENT_INVALID',
    `${command} takes one object, KIND NAME or KIND/NAME: found ${found}; for example "cloverctl ${command} tp/proxy"`,
  );
}

/** The same object may have been named by a short name of its kind, too. */
function onceEach(objects: readonly ObjectName[]): readonly ObjectName[] {
  const byName = new Map(objects.map((object) => [`${object.info.kind}/${object.name}`, object]));
  return [...byName.values()];
}

function slashed(word: string): ObjectName {
  const at = word.indexOf('/');
  if (at < 0) throw twoForms(word);
  return {
    info: kindByName(word.slice(0, at)),
    name: demandName(word.slice(at + 1), word),
  };
}

function demandName(name: string, word: string): string {
  if (name !== '' && !name.includes('/')) return name;
  const message = `found "${word}"; a name follows the kind, for example "tp/proxy"`;
  throw new CloverError('CLV_ARGUMENT_INVALID', message);
}

function twoForms(word: string): CloverError {
  const message = `found "${word}" beside the other form: give either KIND NAME… or KIND/NAME…, not both`;
  return new CloverError('CLV_ARGUMENT_INVALID', message);
}
